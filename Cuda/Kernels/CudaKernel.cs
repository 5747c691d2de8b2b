using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>A loaded kernel that takes one struct by value. Valid until its <see cref="KernelLibrary"/> is disposed, which it keeps from being collected. Launches allocate nothing and may be captured.</summary>
public sealed unsafe class CudaKernel
{
    private readonly KernelLibrary _library;
    private readonly nint _function;

    internal CudaKernel(KernelLibrary library, string name, nint function, int maxThreadsPerBlock)
    {
        (_library, Name, _function, MaxThreadsPerBlock) = (library, name, function, maxThreadsPerBlock);
    }

    public CudaDevice Device => _library.Device;

    public string Name { get; }

    /// <summary>What its registers allow.</summary>
    public int MaxThreadsPerBlock { get; }

    /// <summary>Enqueues it.</summary>
    /// <param name="blocks">Grid, one-dimensional.</param>
    /// <param name="threads">A block, one-dimensional.</param>
    /// <param name="stream">A CUstream of the kernel's device.</param>
    /// <param name="arguments">Copied now; laid out as the kernel's parameter.</param>
    /// <param name="sharedBytes">Dynamic shared memory a block.</param>
    /// <param name="dependent">
    /// A programmatic dependent launch: the grid may start while the one before on the stream ends, and waits by itself for what that has written (griddepcontrol.wait). Needs compute capability 9.0.
    /// </param>
    /// <param name="clusterBlocks">Blocks of a cluster, which run at once and reach each other's shared memory; up to 8, and a divisor of <paramref name="blocks"/>. More than 1 needs compute capability 9.0.</param>
    public void Launch<TArguments>(int blocks, int threads, nint stream, in TArguments arguments, int sharedBytes = 0, bool dependent = false, int clusterBlocks = 1)
        where TArguments : unmanaged
    {
        CudaContextScope scope = Device.MakeCurrent();
        TArguments own = arguments;
        void* parameter = &own;
        CUresult result;
        if (dependent || clusterBlocks > 1)
        {
            CUlaunchAttribute* attributes = stackalloc CUlaunchAttribute[2];
            uint count = 0;
            if (dependent)
            {
                attributes[count] = new() { id = CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION };
                attributes[count++].value.programmaticStreamSerializationAllowed = 1;
            }

            if (clusterBlocks > 1)
            {
                attributes[count] = new() { id = CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION };
                attributes[count].value.clusterDim_x = (uint)clusterBlocks;
                attributes[count].value.clusterDim_y = 1;
                attributes[count++].value.clusterDim_z = 1;
            }

            CUlaunchConfig config = new() { gridDimX = (uint)blocks, gridDimY = 1, gridDimZ = 1, blockDimX = (uint)threads, blockDimY = 1, blockDimZ = 1, sharedMemBytes = (uint)sharedBytes, hStream = stream, attrs = attributes, numAttrs = count };
            result = CudaDriverNative.cuLaunchKernelEx(&config, _function, &parameter, null);
        }
        else
            result = CudaDriverNative.cuLaunchKernel(_function, (uint)blocks, 1, 1, (uint)threads, 1, 1, (uint)sharedBytes, stream, &parameter, null);
        scope.Dispose();
        if (result != CUresult.CUDA_SUCCESS)
            CudaCall.Throw(result, $"Kernel {Name} in {blocks} blocks of {threads} threads{(clusterBlocks > 1 ? $", clusters of {clusterBlocks}" : "")}");
    }

    /// <summary>
    /// Runs it and returns when it has ended, on a stream of this library; for preparation: the first launch of a kernel may make the driver wait for the whole device, and a stream made for it would take one of the few queues that the driver gives out in turn.
    /// </summary>
    /// <inheritdoc cref="Launch"/>
    public void Run<TArguments>(int blocks, int threads, in TArguments arguments, int sharedBytes = 0)
        where TArguments : unmanaged
    {
        Launch(blocks, threads, Device.CopyStream, in arguments, sharedBytes);
        using CudaContextScope scope = Device.MakeCurrent();
        CudaCall.Check(CudaDriverNative.cuStreamSynchronize(Device.CopyStream));
    }
}
