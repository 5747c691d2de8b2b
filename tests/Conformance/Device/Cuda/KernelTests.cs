using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device.Cuda;

public sealed class KernelTests
{
    /// <summary>The name and its meaning are known to the stub driver too, which can't run the code.</summary>
    private const string Name = "stub_add_one";

    private static readonly KernelSource s_source = new("add.cu", $$"""
        struct What { float *data; unsigned long long count; };
        extern "C" __global__ void {{Name}}(What what)
        {
            for (unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x; i < what.count; i += gridDim.x * (unsigned long long)blockDim.x)
                what.data[i] += 1.0f;
        }
        """);

    [Fact]
    public void A_kernel_from_source_runs_eager_and_in_a_graph()
    {
        CudaDevice device = Device();
        using KernelLibrary library = KernelLibrary.Load(device, s_source);
        CudaKernel kernel = library.Get(Name);
        Assert.InRange(kernel.MaxThreadsPerBlock, 32, 1024);
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<float> buffer = device.AllocateFrom<float>([.. Enumerable.Range(0, 10_000).Select(i => (float)i)]);
        What what = new(buffer.Pointer, 9_999);

        kernel.Launch(4, 128, stream, what);
        using (GraphCapture capture = stream.BeginCapture())
        {
            kernel.Launch(4, 128, stream, what);
            using CudaGraph graph = capture.End();
            using CudaGraphExec exec = graph.Instantiate();
            exec.Launch(stream);
            exec.Launch(stream);
            stream.Synchronize();
        }

        Assert.Equal(Enumerable.Range(0, 10_000).Select(i => i < 9_999 ? i + 3f : i), buffer.ToArray());
    }

    [Fact]
    public void A_kernel_keeps_its_library_from_being_collected()
    {
        CudaDevice device = Device();
        CudaKernel kernel = Load(device);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<float> buffer = device.AllocateFrom<float>([1, 2, 3]);
        kernel.Launch(1, 32, stream, new What(buffer.Pointer, 3));
        stream.Synchronize();
        Assert.Equal([2, 3, 4], buffer.ToArray());

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static CudaKernel Load(CudaDevice device) => KernelLibrary.Load(device, s_source).Get(Name);
    }

    [Fact]
    public void A_kernel_that_the_source_lacks_and_a_disposed_library_are_refused()
    {
        CudaDevice device = Device();
        KernelLibrary library = KernelLibrary.Load(device, s_source);
        CudaException missing = Assert.Throws<CudaException>(() => library.Get("nothing"));
        Assert.StartsWith("Kernel nothing of add.cu: CUDA_ERROR_NOT_FOUND", missing.Message, StringComparison.Ordinal);
        library.Dispose();
        Assert.Throws<ObjectDisposedException>(() => library.Get(Name));
    }

    [Fact]
    public void A_launch_that_no_device_can_do_names_the_kernel()
    {
        CudaDevice device = Device();
        using KernelLibrary library = KernelLibrary.Load(device, s_source);
        CudaKernel kernel = library.Get(Name);
        using CudaStream stream = device.CreateStream();
        CudaException refused = Assert.Throws<CudaException>(() => kernel.Launch(1, 2000, stream, new What(0, 0)));
        Assert.StartsWith($"Kernel {Name} in 1 blocks of 2000 threads: ", refused.Message, StringComparison.Ordinal);
        stream.Synchronize();
    }

    private static CudaDevice Device()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        bool compiles = NativeLibraryLocator.TryFind(NativeLibraryKind.Nvrtc, out _, out _, out IReadOnlyList<NativeLibraryAttempt> trace);
        Assert.SkipUnless(compiles, $"NVRTC is not on this machine, of {trace.Count} places that were looked at.");
        return device;
    }

    private readonly record struct What(nint Data, ulong Count);
}
