namespace CollectivesSharp;

/// <summary>What a receive got: from which rank in the group, with which tag, how many elements.</summary>
public readonly record struct HostMessage(int Source, int Tag, nuint Count)
{
    /// <summary>As source: whoever sends; as tag: whatever comes.</summary>
    public const int Any = -1;

    /// <summary>A send of at most this many bytes never waits for its receiver, unless that one has left very many messages unread.</summary>
    public const int EagerBytes = 2 << 10;
}
