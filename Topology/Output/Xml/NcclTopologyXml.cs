using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>NCCL's description of a machine: what NCCL_TOPO_DUMP_FILE writes and NCCL_TOPO_FILE reads.</summary>
public static class NcclTopologyXml
{
    /// <summary>
    /// The machine's XML. NCCL keeps one element a PCIe switch, and so does this; host bridges do not occur in it. It fills in what is missing by itself.
    /// </summary>
    public static string Write(MachineTopology topology)
    {
        ArgumentNullException.ThrowIfNull(topology);
        return new NcclXmlWriter(topology).Write();
    }

    /// <summary>
    /// The machine that a dump describes. NCCL's XML knows no host bridges, so what is NODE for nvidia-smi is PHB here; it names no GPU models. Never throws: a text that
    /// is no such XML gives a machine with a warning and what was read before.
    /// </summary>
    public static MachineTopology Read(string xml)
    {
        ArgumentNullException.ThrowIfNull(xml);
        NcclXmlReader reader = new();
        string? problem = reader.Read(xml);
        MachineTopology topology = new TopologySnapshot(reader.Tree, reader.Nvml).Detect(new TopologyOptions { Root = "" });
        if (!reader.TellsGpuDirect)
        {
            topology = topology with
            {
                GpuDirect = new GpuDirectRdma(GpuDirectSupport.None, "this XML does not tell"),
                Warnings = [.. topology.Warnings.Where(warning => warning.Kind != TopologyWarningKind.NoGpuDirectRdma)],
            };
        }

        return problem is null ? topology : topology with { Warnings = [new TopologyWarning(TopologyWarningKind.FileMalformed, "NCCL XML", problem), .. topology.Warnings] };
    }
}
