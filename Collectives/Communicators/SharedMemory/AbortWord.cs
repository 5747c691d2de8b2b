namespace CollectivesSharp;

/// <summary>
/// The one word that ends all waiting of a group, on the host and on devices. 0: none. The first store wins and is never taken back.
/// Bits: kind 28..30, lost member 14..27, aborting member 0..13 (both as ranks in the group).
/// </summary>
internal readonly record struct AbortWord(int Value)
{
    internal enum Kind
    {
        None,
        ProcessEnded,
        Left,
        Silent,
        Mismatch,
        Requested,
    }

    internal AbortWord(Kind kind, int subject, int by)
        : this(((int)kind << 28) | (subject << 14) | by)
    {
    }

    internal Kind Why => (Kind)(Value >> 28);

    internal int Subject => (Value >> 14) & 0x3FFF;

    internal int By => Value & 0x3FFF;
}
