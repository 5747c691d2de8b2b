using System.Collections.Immutable;
using System.Text;

namespace CollectivesSharp.Topology;

/// <summary>The table of nvidia-smi topo -p2p: what the driver lets each GPU do with each other one's memory.</summary>
public sealed class PeerMatrix
{
    public PeerMatrix(MachineTopology topology, PeerCapability capability)
    {
        ArgumentNullException.ThrowIfNull(topology);
        Labels = [.. topology.Gpus.Select(gpu => gpu.Label)];
        Rows = [.. topology.Gpus.Select(from => topology.Gpus.Select(to => from.Index == to.Index ? "X" : Word(topology.PeerStatusOf(from.Index, to.Index, capability))).ToImmutableArray())];
    }

    public ImmutableArray<string> Labels { get; }

    /// <summary>[from][to]: X, OK, CNS, GNS, TNS, DR, NS, U.</summary>
    public ImmutableArray<ImmutableArray<string>> Rows { get; }

    public override string ToString()
    {
        StringBuilder text = new();
        foreach (string label in Labels)
            text.Append('\t').Append(label);
        text.Append('\n');
        for (int row = 0; row < Rows.Length; row++)
            text.Append(Labels[row]).Append('\t').AppendJoin('\t', Rows[row]).Append('\n');
        return text.Append("\nLegend:\n\n  X    = the GPU itself\n  OK   = allowed\n  CNS  = the chipset does not support it\n  GNS  = the GPU does not support it\n  TNS  = the topology does not support it\n")
            .Append("  DR   = a driver setting forbids it\n  NS   = not supported\n  U    = not known\n").ToString();
    }

    private static string Word(PeerStatus status) => status switch
    {
        PeerStatus.Ok => "OK",
        PeerStatus.ChipsetNotSupported => "CNS",
        PeerStatus.GpuNotSupported => "GNS",
        PeerStatus.TopologyNotSupported => "TNS",
        PeerStatus.DisabledByRegistry => "DR",
        PeerStatus.NotSupported => "NS",
        _ => "U",
    };
}
