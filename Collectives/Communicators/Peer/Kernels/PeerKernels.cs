using System.Collections.Concurrent;
using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The variants that this process has loaded, one of a kind for each device and for all groups; they stay.</summary>
internal static class PeerKernels
{
    private static readonly ConcurrentDictionary<(CudaDevice Device, PeerKernelVariant Variant), Lazy<CudaKernel>> s_kernels = new();

    /// <summary>For the ranks of a machine to share the work: each compiles its part, and loads all.</summary>
    internal static void Compile(CudaDevice device, PeerKernelVariant variant) => KernelLibrary.Compile(device, CollectiveKernels.Source(variant.Kernel), variant.Options);

    /// <summary>
    /// Compiles it, unless this machine has done so before (a quarter of a second to two seconds), and loads it. The driver may wait for the device meanwhile.
    /// </summary>
    internal static CudaKernel Load(CudaDevice device, PeerKernelVariant variant)
    {
        Lazy<CudaKernel> kernel = s_kernels.GetOrAdd((device, variant), static key => new(() => KernelLibrary.Load(key.Device, CollectiveKernels.Source(key.Variant.Kernel), key.Variant.Options).Get(key.Variant.Name)));
        try
        {
            return kernel.Value;
        }
        catch
        {
            s_kernels.TryRemove(new((device, variant), kernel));
            throw;
        }
    }
}
