using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>A loaded kernel that takes one struct by value. Valid while its <see cref="KernelLibrary"/> is. Launches allocate nothing and may be captured.</summary>
public sealed unsafe class CudaKernel
{
    private readonly nint _function;

    internal CudaKernel(CudaDevice device, string name, nint function, int maxThreadsPerBlock)
    {
        (Device, Name, _function, MaxThreadsPerBlock) = (device, name, function, maxThreadsPerBlock);
    }

    public CudaDevice Device { get; }

    public string Name { get; }

    /// <summary>What its registers allow.</summary>
    public int MaxThreadsPerBlock { get; }

    /// <summary>Enqueues it.</summary>
    /// <param name="blocks">Grid, one-dimensional.</param>
    /// <param name="threads">A block, one-dimensional.</param>
    /// <param name="stream">A CUstream of the kernel's device.</param>
    /// <param name="arguments">Copied now; laid out as the kernel's parameter.</param>
    /// <param name="sharedBytes">Dynamic shared memory a block.</param>
    public void Launch<TArguments>(int blocks, int threads, nint stream, in TArguments arguments, int sharedBytes = 0)
        where TArguments : unmanaged
    {
        // Not in a try block, which a using is: the stub that the JIT makes for a native call there allocates.
        CudaContextScope scope = Device.MakeCurrent();
        CUresult result;
        fixed (TArguments* argument = &arguments)
        {
            void* parameter = argument;
            result = CudaDriverNative.cuLaunchKernel(_function, (uint)blocks, 1, 1, (uint)threads, 1, 1, (uint)sharedBytes, stream, &parameter, null);
        }

        scope.Dispose();
        if (result != CUresult.CUDA_SUCCESS)
            CudaCall.Throw(result, $"Kernel {Name} in {blocks} blocks of {threads} threads");
    }
}
