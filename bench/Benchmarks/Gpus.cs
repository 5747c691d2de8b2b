using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Benchmarks;

/// <summary>Whether this machine can run benchmarks on device memory.</summary>
internal static class Gpus
{
    /// <summary>Null: it can.</summary>
    internal static string? FindObjection()
    {
        if (!CudaDriver.TryInitialize(out string? reason))
            return reason;
        if (CudaDevice.All.Count < 2)
            return $"two GPUs are needed; visible: {CudaDevice.DescribeAll()}";
        try
        {
            NativeLibraryLocator.Find(NativeLibraryKind.Nccl);
            return null;
        }
        catch (NativeLibraryNotFoundException missing)
        {
            return missing.Message;
        }
    }
}
