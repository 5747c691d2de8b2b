using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>What another library in the process does with contexts and streams, by the driver's own calls.</summary>
internal static unsafe class Contexts
{
    /// <summary>Of this thread; 0: none.</summary>
    internal static nint Current
    {
        get
        {
            nint context;
            Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuCtxGetCurrent(&context));
            return context;
        }

        set => Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuCtxSetCurrent(value));
    }

    /// <summary>A context that is nobody's primary one, current on this thread.</summary>
    internal static nint Create(CudaDevice device)
    {
        nint context;
        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuCtxCreate_v2(&context, 0, device.Ordinal));
        return context;
    }

    internal static void Destroy(nint context) => Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuCtxDestroy_v2(context));

    /// <summary>A stream that somebody else made and will destroy, taken over.</summary>
    internal static CudaStream ForeignStream(CudaDevice device, out nint handle)
    {
        using CudaContextScope scope = device.MakeCurrent();
        nint stream;
        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuStreamCreate(&stream, (uint)CUstream_flags.CU_STREAM_NON_BLOCKING));
        handle = stream;
        return CudaStream.FromHandle(device, stream);
    }

    internal static void Destroy(CudaDevice device, nint stream)
    {
        using CudaContextScope scope = device.MakeCurrent();
        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuStreamDestroy_v2(stream));
    }

    /// <summary>By a kernel of the driver's, also in a peer's memory.</summary>
    internal static void Fill(CudaStream stream, DeviceSpan<uint> memory, uint value)
    {
        using CudaContextScope scope = stream.Device.MakeCurrent();
        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuMemsetD32Async(memory.Pointer, value, memory.Length, stream.Handle));
    }

    /// <summary>Holds the stream up until the word is <paramref name="value"/>.</summary>
    internal static void WaitForWord(CudaStream stream, DeviceSpan<uint> word, uint value)
    {
        using CudaContextScope scope = stream.Device.MakeCurrent();
        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuStreamWaitValue32_v2(stream, word.Pointer, value, (uint)CUstreamWaitValue_flags.CU_STREAM_WAIT_VALUE_EQ));
    }
}
