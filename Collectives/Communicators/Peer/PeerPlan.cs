using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>Whether the members of a group may try peer memory; a pure function of what all of them know, so that they decide alike.</summary>
internal static class PeerPlan
{
    /// <summary>Null: they may.</summary>
    internal static string? FindObjection(IReadOnlyList<GroupMember> members, GroupOptions options) =>
        members.Any(member => member.Device is null) ? "Not every rank has a GPU."
        : IsUnwanted(options) ? options.ArenaBytes == 0 ? $"{nameof(GroupOptions)}.{nameof(GroupOptions.ArenaBytes)} is 0." : $"{RoutePreference.Variable} or {nameof(GroupOptions)}.{nameof(GroupOptions.AllReduceRoute)} is {AllReduceRoute.Nccl}."
        : members.Select(member => member.NodeId).Distinct(StringComparer.Ordinal).Count() > 1 ? "The ranks are on more than one node."
        : members.Count > PeerKernelVariant.MaxRanks ? $"{members.Count} ranks; the kernels are made for up to {PeerKernelVariant.MaxRanks}."
        : members.FirstOrDefault(member => member.Device!.ComputeCapability < 80) is { } old ? $"{old.Device} of rank {old.Rank} is older than the kernels are made for (compute capability 8.0)."
        : null;

    /// <summary>Null: calls whose output is registered may go by copy engines. A pure function, as the other.</summary>
    internal static string? FindCopyEngineObjection(IReadOnlyList<GroupMember> members) =>
        members.GroupBy(member => member.Device!.Uuid).FirstOrDefault(ranks => ranks.Count() > 1) is { } shared
            ? $"{GroupMember.NameRanks(shared.Select(member => member.Rank))} share a GPU, where one's waiting kernels could keep the other's copies from running"
            : null;

    /// <summary>Nobody asked for it: then nobody is told why it is not there.</summary>
    internal static bool IsUnwanted(GroupOptions options) => options.ArenaBytes == 0 || RoutePreference.Resolve(options) == AllReduceRoute.Nccl;

    /// <summary>Programmatic dependent launches: by devices of compute capability 9.0, and in captures by drivers of CUDA 12.3. They are no part of the protocol, a rank may do without.</summary>
    internal static bool MayDepend(CudaDevice device) => device.ComputeCapability.Major >= 9 && CudaDriver.Version is { Major: > 12 } or { Major: 12, Minor: >= 3 };

    /// <summary>
    /// Not where ranks share a GPU: each has its share of the multiprocessors for one kernel (see PeerLaunch), and the blocks of a next one could take what another rank's kernel, for which the first waits, is to run on.
    /// </summary>
    internal static bool MayDepend(CudaDevice device, IReadOnlyList<GroupMember> members) => MayDepend(device) && members.Count(member => member.Device!.Uuid == device.Uuid) == 1;
}
