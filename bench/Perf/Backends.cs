namespace CollectivesSharp.Perf;

/// <summary>Where the buffers can lie on this machine.</summary>
internal static class Backends
{
    internal const int DefaultRanks = 4;

    private const string GpuFolder = "/proc/driver/nvidia/gpus";

    /// <summary>Says in one line what <c>auto</c> chose; refuses what can't be.</summary>
    internal static void Explain(Backend backend, int ranks)
    {
        int gpus = Directory.Exists(GpuFolder) ? Directory.GetDirectories(GpuFolder).Length : 0;
        if (backend == Backend.Cuda)
            throw new PerfException(gpus == 0 ? "--backend cuda: this machine has no NVIDIA GPU." : $"--backend cuda: {gpus} GPUs are here, but this version of the SDK moves host memory only.");
        if (backend == Backend.Auto)
            Console.WriteLine(gpus == 0 ? $"# No GPU on this machine: {ranks} ranks on host memory." : $"# {gpus} GPUs on this machine, not used by this version: {ranks} ranks on host memory.");
    }
}
