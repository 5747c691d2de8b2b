namespace CollectivesSharp;

/// <summary>How the two ranks of a pair go step by step together, while the others sleep in a barrier.</summary>
internal sealed class PairMeeting(GroupCoordinator group, HostCallOptions call)
{
    /// <summary>Out of the way of tags that people choose.</summary>
    private const int Tag = 0x70616972;

    internal GroupCoordinator Group => group;

    internal HostCallOptions Call => call;

    internal int Rank => group.RankInGroup;

    /// <summary>Returns when the other one has called it too.</summary>
    internal void With(int peer)
    {
        Span<byte> tokens = stackalloc byte[2];
        tokens.Clear();
        group.SendReceive<byte>(tokens[..1], peer, tokens[1..], peer, Tag, call);
    }

    internal void Send(ReadOnlySpan<byte> content, int peer) => group.Send(content, peer, Tag, call);

    internal void Receive(Span<byte> content, int peer) => group.Receive(content, peer, Tag, call);

    /// <summary>Every rank's bytes, in rank order; of any length.</summary>
    internal byte[][] Gather(ReadOnlySpan<byte> own)
    {
        int[] lengths = new int[group.WorldSize];
        group.AllGather<int>([own.Length], lengths, call);
        byte[] all = new byte[lengths.Sum()];
        group.AllGather(own, all, [.. lengths.Select(length => (nuint)length)], call);
        byte[][] parts = new byte[lengths.Length][];
        for (int rank = 0, at = 0; rank < parts.Length; at += lengths[rank++])
            parts[rank] = all[at..(at + lengths[rank])];
        return parts;
    }

    /// <summary>What ranks have against something, each reason once with its ranks; null if nobody objects. The same on all.</summary>
    internal string? Vote(string? objection)
    {
        byte[][] all = Gather(System.Text.Encoding.UTF8.GetBytes(objection ?? ""));
        string[] reasons = [.. all.Select(System.Text.Encoding.UTF8.GetString)];
        IGrouping<string, int>[] each = [.. reasons.Select((reason, rank) => (reason, Rank: group.Ranks[rank])).Where(item => item.reason.Length > 0).GroupBy(item => item.reason, item => item.Rank, StringComparer.Ordinal)];
        return each.Length == 0 ? null : string.Join("; ", each.Select(ranks => ranks.Count() == reasons.Length ? ranks.Key : $"{GroupMember.NameRanks(ranks)}: {ranks.Key}"));
    }
}
