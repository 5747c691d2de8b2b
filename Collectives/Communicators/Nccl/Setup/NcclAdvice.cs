using CollectivesSharp.Topology;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>What this rank's machine shows that may be why NCCL fails or is slow. NCCL finds its own way in any case: nothing here chooses for it.</summary>
internal static class NcclAdvice
{
    private const int Most = 3;

    /// <summary>Warnings that bear on NCCL: links and peer access always, adapters where the group spans nodes. Empty, or a sentence with a space before it.</summary>
    internal static string Hint(MachineTopology machine, bool spansNodes)
    {
        TopologyWarning[] relevant = [.. machine.Warnings.Where(warning => Concerns(warning.Kind, spansNodes))];
        if (relevant.Length == 0)
            return "";
        string more = relevant.Length > Most ? $"; and {relevant.Length - Most} more, which perf topology --tree shows" : "";
        return $" This rank's machine: {string.Join("; ", relevant.Take(Most))}{more}.";
    }

    internal static string Hint(NcclContext context) => Hint(MachineTopology.Detect(), SpansNodes(context));

    /// <summary>For those who debug: everything that the machine shows, before NCCL starts. Costs a look at the machine, which nobody else pays.</summary>
    internal static void Log(NcclContext context)
    {
        if (!context.Logger.IsEnabled(LogLevel.Debug))
            return;
        foreach (TopologyWarning warning in MachineTopology.Detect().Warnings.Where(warning => Concerns(warning.Kind, SpansNodes(context))))
            context.Logger.LogDebug("Group {Name}, rank {Rank}: {Warning}", context.Options.Name, context.Members[context.RankInGroup].Rank, warning);
    }

    private static bool SpansNodes(NcclContext context) => context.Members.Select(member => member.NodeId).Distinct(StringComparer.Ordinal).Count() > 1;

    private static bool Concerns(TopologyWarningKind kind, bool spansNodes) => kind switch
    {
        TopologyWarningKind.NvLinkDown or TopologyWarningKind.NvLinkUnusable or TopologyWarningKind.FabricNotReady or TopologyWarningKind.PeerAccessRefused or TopologyWarningKind.NvmlUnavailable => true,
        TopologyWarningKind.PortDown or TopologyWarningKind.PortSlow or TopologyWarningKind.RoceV1Only or TopologyWarningKind.NoGpuDirectRdma or TopologyWarningKind.GpuWithoutNearAdapter => spansNodes,
        _ => false,
    };
}
