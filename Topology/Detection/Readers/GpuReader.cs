using System.Collections.Immutable;
using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>GPUs as NVML names them, or, without it, as sysfs and the driver's own files do.</summary>
internal sealed class GpuReader(FileReader reader, PciReader pci, NvmlSnapshot nvml, WarningList warnings)
{
    private const int Nvidia = 0x10de;

    /// <summary>More than any machine has, fewer than a hostile file can name.</summary>
    private const int MaxGpus = 256;

    internal MachineTopology Read(MachineTopology topology)
    {
        foreach (string failure in (nvml.Failures ?? []).OfType<string>())
            warnings.Add(TopologyWarningKind.NvmlCallFailed, "NVML", failure);
        string[] shown = [.. pci.List().Where(address => pci.Vendor(address) == Nvidia)];
        ImmutableArray<PciDevice> switches = [.. shown.Where(address => pci.Class(address) == 0x068000).Select(pci.Read)];
        if (nvml.Error is { } error)
        {
            string[] found = [.. shown.Where(address => pci.Class(address) >> 16 == 0x03)];
            string lost = found.Length > 0 ? "NVLinks, peer access and the fabric are unknown" : "no NVIDIA GPU is shown either";
            warnings.Add(TopologyWarningKind.NvmlUnavailable, "NVML", $"{error}; {lost}");
            return topology with { Switches = switches, Gpus = [.. found.Take(MaxGpus).Select(WithoutNvml)] };
        }

        ImmutableArray<Gpu>.Builder gpus = ImmutableArray.CreateBuilder<Gpu>();
        foreach (NvmlGpu? each in (nvml.Gpus ?? []).Take(MaxGpus))
        {
            NvmlGpu gpu = each ?? new NvmlGpu();
            if (!PciAddress.TryParse(gpu.BusId, out PciAddress address))
                warnings.Add(TopologyWarningKind.NvmlCallFailed, $"GPU{gpus.Count}", $"NVML gives '{gpu.BusId}' as its PCI bus id; its place is unknown");
            gpus.Add(WithNvml(gpu, gpus.Count, pci.Read(address)));
        }

        return topology with { Switches = switches, Gpus = gpus.ToImmutable() };
    }

    private static Gpu WithNvml(NvmlGpu gpu, int index, PciDevice device) => new()
    {
        Index = index,
        Pci = device,
        Name = gpu.Name ?? "",
        Uuid = gpu.Uuid ?? "",
        ComputeCapability = gpu is { Major: >= 0, Minor: >= 0 } ? new Version(gpu.Major.Value, gpu.Minor.Value) : null,
        MemoryBytes = gpu.MemoryBytes ?? 0,
        MemoryNumaNode = gpu.MemoryNumaNode is >= 0 ? gpu.MemoryNumaNode : null,
        MigEnabled = gpu.Mig ?? false,
        MigInstances = [.. (gpu.MigUuids ?? []).Select((uuid, number) => new MigInstance(uuid ?? "", number))],
        Fabric = gpu.Fabric is { } fabric ? new FabricMembership(fabric.ClusterUuid ?? "", fabric.Clique, (FabricState)fabric.State, fabric.Status) : null,
        C2C = gpu.C2CCount > 0 ? new C2CLinks(gpu.C2CCount.Value, gpu.C2CActive ?? 0, gpu.C2CMegabytesPerSecond ?? 0) : null,
        ActiveNvLinks = gpu.Links?.Count(link => link?.Active == true) ?? 0,
        InactiveNvLinks = gpu.Links?.Count(link => link?.Active == false) ?? 0,
    };

    /// <summary>/proc/driver/nvidia/gpus has name and UUID as long as the driver is loaded, NVML or not.</summary>
    private Gpu WithoutNvml(string address, int index)
    {
        PciDevice device = pci.Read(address);
        string information = reader.Files.Read($"/proc/driver/nvidia/gpus/{address}/information") ?? "";
        string Value(string name) => information.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line ? line[name.Length..].Trim() : "";
        string name = Value("Model:");
        return new Gpu
        {
            Index = index,
            Pci = device,
            Name = name.Length > 0 ? name : string.Create(CultureInfo.InvariantCulture, $"NVIDIA device 0x{device.Device:x4}"),
            Uuid = Value("GPU UUID:") is var uuid && uuid.StartsWith("GPU-", StringComparison.Ordinal) && !uuid.Contains('?') ? uuid : "",
        };
    }
}
