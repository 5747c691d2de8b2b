namespace CollectivesSharp;

/// <summary>
/// The tags of one group: its generation, wrapped into what MPI allows, and a channel. MPI promises 32,767 tags, 4,096 groups; Open MPI and MPICH have millions. What a group
/// long gone has left behind is told by the generation in each message.
/// </summary>
internal readonly struct MpiTags(long generation, int largestTag)
{
    private const int Channels = 8;

    private readonly int _first = (int)(generation % (((long)largestTag + 1) / Channels)) * Channels;

    /// <summary>What every call begins with: its description and little payloads.</summary>
    internal int Call => _first;

    /// <summary>The pieces of large collectives.</summary>
    internal int Data => _first + 1;

    /// <summary>Aborts and farewells.</summary>
    internal int Control => _first + 2;

    /// <summary>Messages of users: header and payload, or the header alone of a long one.</summary>
    internal int Message => _first + 3;

    /// <summary>The receiver is ready for a long one.</summary>
    internal int Clear => _first + 4;

    /// <summary>The pieces of a long one.</summary>
    internal int Bulk => _first + 5;
}
