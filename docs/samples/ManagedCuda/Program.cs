using System.Runtime.Loader;
using CollectivesSharp;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using ManagedCuda;
using ManagedCuda.NVRTC;
using ManagedCuda.VectorTypes;
// The SDK has types of these names too.
using CudaKernel = ManagedCuda.CudaKernel;
using CudaStream = ManagedCuda.CudaStream;

// Before the first call of either: ManagedCuda asks for libcuda.so and libnvrtc.so, which only toolkits for developers install. This finds the versioned files as the SDK
// does. A resolver set on ManagedCuda's assemblies can't do it: they set one themselves, and a second one is an error.
AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) => name switch
{
    "libcuda" => NativeLibraryLocator.Find(NativeLibraryKind.Cuda),
    "nvrtc" => NativeLibraryLocator.Find(NativeLibraryKind.Nvrtc),
    _ => 0,
};

const int count = 1 << 20;
const string source = """
    extern "C" __global__ void fill(float* values, float value, int count)
    {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < count) values[i] = value;
    }
    """;

await using GroupCoordinator group = await GroupCoordinator.CreateAsync();
CudaDevice device = group.Device ?? throw new NotSupportedException(group.DeviceObjection);

// The primary context is the one that the SDK works in; `new CudaContext(ordinal)` would make another one, with memory of its own.
using PrimaryContext context = new(device.Ordinal);
context.SetCurrent();
using CudaStream stream = new();
using CudaDeviceVariable<float> input = new(count), output = new(count);

using CudaRuntimeCompiler compiler = new(source, "fill.cu");
compiler.Compile(["--gpu-architecture=compute_80"]);
CudaKernel fill = context.LoadKernelPTX(compiler.GetPTX(), "fill");
fill.BlockDimensions = new dim3(256, 1, 1);
fill.GridDimensions = new dim3((count + 255) / 256, 1, 1);

// One stream, one order: the host waits only at the end.
fill.RunAsync(stream.Stream, input.DevicePointer, group.Rank + 1f, count);
group.AllReduce<float>(Border.SpanOf(input), Border.SpanOf(output), ReduceOp.Sum, Border.HandleOf(stream));
group.Synchronize(Border.HandleOf(stream));

float[] sum = new float[count];
output.CopyToHost(sum);
float expected = group.WorldSize * (group.WorldSize + 1) / 2f;
Console.WriteLine($"rank {group.Rank} of {group.WorldSize}: {sum[0]}, expected {expected}");
return Array.TrueForAll(sum, value => value == expected) ? 0 : 1;
