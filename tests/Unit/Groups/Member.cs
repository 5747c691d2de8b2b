namespace CollectivesSharp.Unit.Groups;

/// <summary>Members and what they say, without processes.</summary>
internal static class Member
{
    internal static GroupMember Of(int rank, string allowed = "3", int processors = 2, int process = 0) => new()
    {
        Rank = rank,
        Host = "node1",
        ProcessId = process == 0 ? 1000 + rank : process,
        ProcessStartTime = 1,
        NodeId = "node1",
        NetworkId = "network",
        AllowedProcessors = allowed,
        ProcessorCount = processors,
    };

    internal static GroupHello Saying(int rank, params (string Term, string Value)[] terms) => new()
    {
        Member = Of(rank),
        Agreed = new SortedDictionary<string, string>(terms.ToDictionary(term => term.Term, term => term.Value), StringComparer.Ordinal),
    };
}
