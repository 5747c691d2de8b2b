namespace CollectivesSharp;

/// <summary>
/// The one word that ends all waiting of a group, on the host and on devices. 0: none. The first store wins and is never taken back.
/// Bits: kind 48..55, teller 32..47, lost member 16..31, aborting member 0..15 (both as ranks in the group; the teller is the cell of the node's segment that holds the text).
/// </summary>
internal readonly record struct AbortWord(long Value)
{
    internal enum Kind
    {
        None,
        ProcessEnded,
        Left,
        Silent,
        Unreachable,
        Mismatch,
        Requested,
    }

    internal AbortWord(Kind kind, int subject, int by, int teller)
        : this(((long)kind << 48) | ((long)teller << 32) | ((long)subject << 16) | (long)by)
    {
    }

    internal Kind Why => (Kind)(Value >> 48);

    internal int Teller => (int)(Value >> 32) & 0xFFFF;

    internal int Subject => (int)(Value >> 16) & 0xFFFF;

    internal int By => (int)Value & 0xFFFF;
}
