using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace CollectivesSharp.Topology;

/// <summary>
/// The table of nvidia-smi topo -m: how each GPU and RDMA adapter reaches each other one. NV# is the number of NVLinks; PIX, PXB, PHB, NODE and SYS are <see cref="PciePath"/>.
/// </summary>
public sealed class TopologyMatrix
{
    private readonly MachineTopology _topology;

    /// <param name="topology">The machine.</param>
    /// <param name="pcieOnly">Leaves NVLinks out, as nvidia-smi topo -mp does.</param>
    public TopologyMatrix(MachineTopology topology, bool pcieOnly = false)
    {
        ArgumentNullException.ThrowIfNull(topology);
        _topology = topology;
        NetworkAdapter[] adapters = [.. topology.Adapters.Where(adapter => adapter.IsRdma)];
        AdapterNames = [.. adapters.Select(adapter => adapter.Name)];
        Labels = [.. topology.Gpus.Select(gpu => gpu.Label), .. adapters.Select((_, index) => $"NIC{index}")];
        object[] devices = [.. topology.Gpus, .. adapters];
        Rows = [.. devices.Select(row => devices.Select(column => Cell(row, column, pcieOnly)).ToImmutableArray())];
    }

    /// <summary>GPU0, GPU1…, NIC0, NIC1…: of rows and columns.</summary>
    public ImmutableArray<string> Labels { get; }

    /// <summary>Which adapter NIC0, NIC1… is.</summary>
    public ImmutableArray<string> AdapterNames { get; }

    /// <summary>[row][column]; X where both are one device.</summary>
    public ImmutableArray<ImmutableArray<string>> Rows { get; }

    /// <summary>The table with a legend, columns aligned by tabs as nvidia-smi's are.</summary>
    public override string ToString()
    {
        if (Labels.IsEmpty)
            return "no GPU and no RDMA adapter is shown here\n";
        StringBuilder text = new();
        foreach (string label in Labels)
            text.Append('\t').Append(label);
        text.Append(_topology.Gpus.IsEmpty ? "\n" : "\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\n");
        for (int row = 0; row < Rows.Length; row++)
        {
            text.Append(Labels[row]);
            foreach (string cell in Rows[row])
                text.Append('\t').Append(cell == "X" ? " X " : cell);
            if (row < _topology.Gpus.Length)
            {
                Gpu gpu = _topology.Gpus[row];
                text.Append('\t').Append(gpu.Pci.LocalCpus).Append('\t').Append(Number(gpu.Pci.NumaNode ?? (_topology.NumaNodes is [var only] ? only.Id : null))).Append("\t\t").Append(Number(gpu.MemoryNumaNode));
            }

            text.Append('\n');
        }

        text.Append("\nLegend:\n\n  X    = the device itself\n  SYS  = over the interconnect between NUMA nodes\n  NODE = over two host bridges of one NUMA node\n  PHB  = over one PCIe host bridge\n")
            .Append("  PXB  = over several PCIe switches, no host bridge\n  PIX  = over one PCIe switch at most\n  NV#  = over # NVLinks\n");
        if (!AdapterNames.IsEmpty)
        {
            text.Append("\nNIC Legend:\n\n");
            for (int i = 0; i < AdapterNames.Length; i++)
                text.Append(CultureInfo.InvariantCulture, $"  NIC{i}: {AdapterNames[i]}\n");
        }

        return text.ToString();
    }

    /// <summary>
    /// Nominal GB/s in one direction, [row][column]: of all NVLinks of a pair together, or of the narrower of both PCIe links and the adapter's rate. 0 where nothing tells, between
    /// adapters, and for a device with itself. Through NVSwitches and shared PCIe switches pairs share what is told for each.
    /// </summary>
    public ImmutableArray<ImmutableArray<double>> Bandwidth()
    {
        object[] devices = [.. _topology.Gpus, .. _topology.Adapters.Where(adapter => adapter.IsRdma)];
        return [.. devices.Select(row => devices.Select(column => ReferenceEquals(row, column) ? 0 : Bandwidth(row, column)).ToImmutableArray())];
    }

    /// <summary>The table of <see cref="Bandwidth()"/>.</summary>
    public string ToBandwidthText()
    {
        StringBuilder text = new();
        foreach (string label in Labels)
            text.Append('\t').Append(label);
        text.Append('\n');
        foreach ((int row, ImmutableArray<double> cells) in Bandwidth().Index())
            text.Append(Labels[row]).Append('\t').AppendJoin('\t', cells.Select((cell, column) => row == column ? "X" : cell > 0 ? cell.ToString("0.#", CultureInfo.InvariantCulture) : "-")).Append('\n');
        return text.Append("\nNominal GB/s, one direction; not measured.\n").ToString();
    }

    private static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "N/A";

    private double Bandwidth(object row, object column) => (row, column) switch
    {
        (Gpu first, Gpu second) => _topology.NominalBandwidth(first, second),
        (Gpu gpu, NetworkAdapter adapter) => MachineTopology.NominalBandwidth(gpu, adapter),
        (NetworkAdapter adapter, Gpu gpu) => MachineTopology.NominalBandwidth(gpu, adapter),
        _ => 0,
    };

    private string Cell(object row, object column, bool pcieOnly) => (row, column) switch
    {
        (Gpu first, Gpu second) => !pcieOnly && _topology.LinkBetween(first.Index, second.Index) is { } link ? link.Label : _topology.PathBetween(first, second).Label(),
        (Gpu gpu, NetworkAdapter adapter) => _topology.PathBetween(gpu, adapter).Label(),
        (NetworkAdapter adapter, Gpu gpu) => _topology.PathBetween(gpu, adapter).Label(),
        _ => _topology.PathBetween((NetworkAdapter)row, (NetworkAdapter)column).Label(),
    };
}
