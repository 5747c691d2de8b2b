using System.Collections.Concurrent;
using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The kernels that this process has loaded, one of a name for each device and for all groups; they stay.</summary>
internal static class PeerKernels
{
    private static readonly ConcurrentDictionary<(CudaDevice Device, string Name), Lazy<CudaKernel>> s_kernels = new();

    /// <summary>For the ranks of a machine to share the work: each compiles its part, and loads all.</summary>
    internal static void Compile(CudaDevice device, PeerKernelVariant variant) => KernelLibrary.Compile(device, CollectiveKernels.Source(variant.Kernel), variant.Options);

    internal static CudaKernel Load(CudaDevice device, PeerKernelVariant variant) => Load(device, variant.Kernel, variant.Name, variant.Options);

    /// <summary>
    /// Compiles it, unless this machine has done so before (a quarter of a second to two seconds), and loads it. The driver may wait for the device meanwhile.
    /// </summary>
    internal static CudaKernel Load(CudaDevice device, string source, string name, string[] options)
    {
        Lazy<CudaKernel> kernel = s_kernels.GetOrAdd((device, name), key => new(() => KernelLibrary.Load(device, CollectiveKernels.Source(source), options).Get(name)));
        try
        {
            return kernel.Value;
        }
        catch
        {
            s_kernels.TryRemove(new((device, name), kernel));
            throw;
        }
    }
}
