using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>Concludes from each GPU's NVLinks which GPUs they join, and takes over what NVML says of pairs.</summary>
internal sealed class LinkReader(NvmlSnapshot nvml, WarningList warnings)
{
    internal MachineTopology Read(MachineTopology topology)
    {
        if (nvml.Error is not null)
            return topology;
        ImmutableArray<PeerAccess> access = ReadAccess(topology.Gpus.Length);
        topology = topology with { PeerAccess = access, GpuLevels = nvml.Ancestors };
        End[][] ends = [.. topology.Gpus.Select(gpu => Ends(gpu, topology))];
        ImmutableArray<NvLinkConnection>.Builder links = ImmutableArray.CreateBuilder<NvLinkConnection>();
        for (int first = 0; first < ends.Length; first++)
        {
            for (int second = first + 1; second < ends.Length; second++)
            {
                if (Connect(topology, ends, first, second) is { } link)
                    links.Add(link);
            }
        }

        return topology with
        {
            Links = links.ToImmutable(),
            Gpus = [.. topology.Gpus.Select(gpu => gpu with { SwitchNvLinks = ends[gpu.Index].Count(end => end.Kind != NvLinkKind.Direct) })],
        };
    }

    /// <summary>Where the active links of a GPU lead: GPU &gt;= 0, or -1 for switches.</summary>
    private End[] Ends(Gpu gpu, MachineTopology topology)
    {
        List<End> ends = [];
        foreach (NvmlLink? link in nvml.Gpus[gpu.Index]?.Links ?? [])
        {
            if (link is not { Active: true } || link.PeerSupported == false)
                continue;
            bool known = PciAddress.TryParse(link.RemoteBusId, out PciAddress remote);
            Gpu? other = known ? topology.FindGpu(remote) : null;
            // The bus id of a GPU that this container does not show is still no switch.
            if (other is null && link.RemoteType is 0 or 1)
                continue;
            NvLinkKind kind = other is not null ? NvLinkKind.Direct
                : link.RemoteType == 2 || (known && topology.Switches.Any(device => device.Address == remote)) ? NvLinkKind.Switch : NvLinkKind.Inferred;
            ends.Add(new End(other?.Index ?? -1, kind, link.Version ?? 0, link.MegabytesPerSecond ?? 0));
        }

        return [.. ends];
    }

    private NvLinkConnection? Connect(MachineTopology topology, End[][] ends, int first, int second)
    {
        End[] direct = [.. ends[first].Where(end => end.Gpu == second)];
        End[] switched = [.. ends[first].Where(end => end.Gpu < 0)];
        int count = direct.Length > 0 ? direct.Length : Math.Min(switched.Length, ends[second].Count(end => end.Gpu < 0));
        if (count == 0 || topology.Gpus[first].MigEnabled || topology.Gpus[second].MigEnabled)
            return null;
        End[] used = direct.Length > 0 ? direct : switched;
        PeerStatus status = topology.PeerStatusOf(first, second, PeerCapability.NvLink);
        if (direct.Length == 0 && status is not (PeerStatus.Ok or PeerStatus.Unknown))
        {
            warnings.Add(TopologyWarningKind.NvLinkUnusable, topology.Gpus[first].Label, $"{count} NVLinks are up, but the driver refuses NVLink to {topology.Gpus[second].Label} ({status}); is the fabric manager running?");
            return null;
        }

        NvLinkKind kind = direct.Length > 0 ? NvLinkKind.Direct : used.Concat(ends[second].Where(end => end.Gpu < 0)).Any(end => end.Kind == NvLinkKind.Inferred) ? NvLinkKind.Inferred : NvLinkKind.Switch;
        return new NvLinkConnection(first, second, count, used.Max(end => end.Version), used.Min(end => end.Speed), kind);
    }

    private ImmutableArray<PeerAccess> ReadAccess(int count)
    {
        if (nvml.P2P is not { } answers)
            return [];
        ImmutableArray<PeerAccess>.Builder pairs = ImmutableArray.CreateBuilder<PeerAccess>();
        for (int from = 0; from < count; from++)
        {
            for (int to = 0; to < count; to++)
            {
                if (from != to)
                    pairs.Add(new PeerAccess(from, to, [.. answers.Take(5).Select(table => At(table, from, to) is >= 0 and <= 6 and var status ? (PeerStatus)status : PeerStatus.Unknown)]));
            }
        }

        return pairs.ToImmutable();
    }

    private static int At(int[][]? table, int row, int column) => table is not null && row < table.Length && table[row] is { } cells && column < cells.Length ? cells[column] : -1;

    private sealed record End(int Gpu, NvLinkKind Kind, int Version, long Speed);
}
