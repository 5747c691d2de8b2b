namespace CollectivesSharp;

/// <summary>Whether the members of a group can move device memory; a pure function of what all of them know, so that they decide alike.</summary>
internal static class DevicePlan
{
    /// <summary>Null: they can, by NCCL.</summary>
    internal static string? FindObjection(IReadOnlyList<GroupMember> members)
    {
        if (Unlike(member => member.Device is null ? member.DeviceObjection ?? "no GPU" : null) is { } missing)
            return missing;
        if (Unlike(member => member.Nccl is null ? member.NcclObjection ?? "no NCCL" : null) is { } without)
            return without;
        if (members.Select(member => member.Nccl!.Version).Distinct().Count() > 1)
        {
            IEnumerable<string> each = members.GroupBy(member => member.Nccl!.ToString(), member => member.Rank, StringComparer.Ordinal).Select(ranks => $"{GroupMember.NameRanks(ranks)}: {ranks.Key}");
            return $"The ranks have different versions of NCCL, which can't talk to each other. {string.Join("; ", each)}. COLLECTIVES_NCCL_PATH names a file.";
        }

        IGrouping<(string, Guid), GroupMember>? shared = members.GroupBy(member => (member.NodeId, member.Device!.Uuid)).FirstOrDefault(ranks => ranks.Count() > 1);
        return shared is null ? null : $"{GroupMember.NameRanks(shared.Select(member => member.Rank))} share {shared.First().Device}; NCCL wants a GPU for each rank of a node.";

        string? Unlike(Func<GroupMember, string?> objection)
        {
            string[] each = [.. members.Select(member => (member.Rank, text: objection(member))).Where(item => item.text is not null)
                .GroupBy(item => item.text!, item => item.Rank, StringComparer.Ordinal)
                .Select(ranks => ranks.Count() == members.Count ? ranks.Key : $"{GroupMember.NameRanks(ranks)}: {ranks.Key}")];
            return each.Length == 0 ? null : string.Join("; ", each);
        }
    }
}
