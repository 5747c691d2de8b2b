using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>Whether adapters may reach GPU memory, from loaded modules and versions: no device is opened.</summary>
internal sealed class GpuDirectReader(FileReader reader)
{
    internal GpuDirectRdma Read(MachineTopology topology)
    {
        if (topology.Gpus.IsEmpty)
            return new GpuDirectRdma(GpuDirectSupport.None, "there is no GPU");
        if (!topology.Adapters.Any(adapter => adapter.IsRdma))
            return new GpuDirectRdma(GpuDirectSupport.None, "there is no RDMA adapter");
        if (reader.Files.Exists("/sys/module/nvidia_peermem"))
            return new GpuDirectRdma(GpuDirectSupport.PeerMemory, "the module nvidia_peermem is loaded");
        if (reader.Files.List("/sys/kernel/mm/memory_peers").Any(name => name.StartsWith("nv_mem", StringComparison.Ordinal)))
            return new GpuDirectRdma(GpuDirectSupport.PeerMemory, "the module nv_peer_mem is loaded");
        string kernel = topology.Platform.Kernel;
        bool newKernel = kernel.Length == 0 || KernelAtLeast(kernel, 5, 12);
        if (topology.Platform.OpenDriver == true && newKernel)
            return new GpuDirectRdma(GpuDirectSupport.DmaBuf, "nvidia_peermem is not loaded; the open driver and the kernel have dma-buf, which a registration has to prove");
        string why = topology.Platform.OpenDriver == true ? $"kernel {kernel} has no dma-buf for RDMA (5.12 has)" : "the driver is not the open one, which dma-buf needs";
        return new GpuDirectRdma(GpuDirectSupport.None, $"nvidia_peermem is not loaded and {why}; modprobe nvidia_peermem on the host");
    }

    private static bool KernelAtLeast(string version, int major, int minor)
    {
        string[] parts = version.Split('.', '-');
        return parts.Length >= 2 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int second)
            && (first > major || (first == major && second >= minor));
    }
}
