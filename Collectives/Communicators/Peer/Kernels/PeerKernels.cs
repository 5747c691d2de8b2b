using System.Collections.Concurrent;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The kernels that this process has loaded, one of a name for each device and for all groups; they stay.</summary>
internal static class PeerKernels
{
    private static readonly ConcurrentDictionary<(CudaDevice Device, string Name), Lazy<CudaKernel>> s_kernels = new();

    /// <summary>For the ranks of a machine to share the work: each compiles its part, and loads all.</summary>
    internal static void Compile(CudaDevice device, PeerKernelVariant variant) => KernelLibrary.Compile(device, CollectiveKernels.Source(variant.Kernel), variant.Options);

    internal static CudaKernel Load(CudaDevice device, PeerKernelVariant variant) => Load(device, variant.Kernel, variant.Name, variant.Options, variant.WorldSize);

    /// <summary>
    /// Compiles it, unless this machine has done so before (a quarter of a second to two seconds), loads it and runs it once on nothing. The driver may wait for the device meanwhile.
    /// </summary>
    /// <param name="device">Of this rank.</param>
    /// <param name="source">Its file.</param>
    /// <param name="name">In that file.</param>
    /// <param name="options">Of the compiler.</param>
    /// <param name="worldSize">For how many ranks it is compiled; 1: it takes no <see cref="PeerView"/>.</param>
    internal static CudaKernel Load(CudaDevice device, string source, string name, string[] options, int worldSize)
    {
        Lazy<CudaKernel> kernel = s_kernels.GetOrAdd((device, name), key => new(() =>
        {
            CudaKernel? loaded = null;
            CaptureMode.Relaxed(() =>
            {
                loaded = KernelLibrary.Load(device, CollectiveKernels.Source(source), options).Get(name);
                RunOnNothing(loaded, worldSize);
            });
            return loaded!;
        }));
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

    /// <summary>
    /// At the first launch of a kernel that needs more memory for what its registers don't hold than any before, the driver waits for the whole device. Where ranks share it, one of them may be waiting there for the rank that
    /// launches. So the first launch is here: of a rank of a group that is over, without an element.
    /// </summary>
    private static unsafe void RunOnNothing(CudaKernel kernel, int worldSize)
    {
        Nothing arguments = default;
        if (worldSize == 1)
        {
            kernel.Run(1, 32, in arguments);
            return;
        }

        byte[] control = new byte[PeerView.ControlBytes];
        BitConverter.TryWriteBytes(control.AsSpan(PeerView.LeftInControl), PeerFault.Aborted);
        using DeviceBuffer<byte> slice = kernel.Device.AllocateFrom<byte>(control);
        (arguments.View.Abort, arguments.View.Fault) = (slice.Pointer, slice.Pointer);
        for (int rank = 0; rank < worldSize; rank++)
            arguments.View.Slices[rank] = (ulong)slice.Pointer;
        kernel.Run(1, 32, in arguments);
    }

    /// <summary>As long as the longest kernel's arguments; a launch copies as many bytes as its kernel takes.</summary>
    private unsafe struct Nothing
    {
        internal PeerView View;
        internal fixed byte Zeros[1024];
    }
}
