using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Refuses pointers and streams of other devices, which would fail later and far away. What was good once is remembered: a call with known buffers asks the driver nothing.
/// </summary>
internal sealed unsafe class PointerCheck(CudaDevice device)
{
    private const int Slots = 64;

    private readonly nint[] _known = new nint[Slots];
    private nint _stream = -1;

    /// <summary><paramref name="bytes"/> 0: any pointer will do.</summary>
    internal void Check(nint pointer, nuint bytes, DataType type, nint stream, string name)
    {
        // Before the memory of what was good: that may have been for smaller elements.
        if (bytes != 0 && (nuint)pointer % (nuint)type.SizeInBytes() != 0)
            throw new ArgumentException($"0x{pointer:x} is not aligned to an element of {type}, {type.SizeInBytes()} bytes.", name);

        // Buffers are 256-byte aligned; slices of one fall apart by their offset.
        ref nint slot = ref _known[(int)(((nuint)pointer >> 8) ^ ((nuint)pointer >> 14) ^ ((nuint)pointer >> 21)) & (Slots - 1)];
        if (slot == pointer && pointer != 0)
            return;
        if (bytes == 0)
            return;
        if (CheckNew(pointer, stream, name))
            slot = pointer;
    }

    internal void CheckStream(nint stream)
    {
        if (stream == _stream)
            return;

        // 0, 1 and 2 are the default streams of whatever context is current, which is the device's.
        if (stream is < 0 or > 2)
        {
            nint context;
            CUresult result = CudaDriverNative.cuStreamGetCtx(stream, &context);
            if (result != CUresult.CUDA_SUCCESS)
                throw new ArgumentException($"0x{stream:x} is no stream: {result} ({(int)result}).", nameof(stream));
            if (context != device.Context)
                throw new ArgumentException($"Stream 0x{stream:x} belongs to {Owner(context)}; this rank of the group uses {device}.", nameof(stream));
        }

        _stream = stream;
    }

    /// <summary>False: may pass this time.</summary>
    private bool CheckNew(nint pointer, nint stream, string name)
    {
        if (pointer == 0)
            throw new ArgumentNullException(name, "A device pointer is 0.");

        // Asking for a pointer may need a context, and this thread may have none.
        using CudaContextScope scope = device.MakeCurrent();
        if (CudaDevice.OfPointer(pointer) is not { } owner)
        {
            // What a graph allocates is memory only while it runs.
            if (GraphCapture.IsCapturing(stream))
                return false;
            throw new ArgumentException($"0x{pointer:x} is no device memory: CUDA does not know it. Host memory goes to the overloads with Span<T>.", name);
        }

        return owner == device ? true : throw new ArgumentException($"0x{pointer:x} is memory of {owner}; this rank of the group uses {device}.", name);
    }

    /// <summary>Asks the context: asking every device for its own would make one on each.</summary>
    private static string Owner(nint context)
    {
        int ordinal;
        if (CudaDriverNative.cuCtxPushCurrent_v2(context) != CUresult.CUDA_SUCCESS)
            return "a context that has ended";
        CUresult result = CudaDriverNative.cuCtxGetDevice(&ordinal);
        nint popped;
        _ = CudaDriverNative.cuCtxPopCurrent_v2(&popped);
        return result == CUresult.CUDA_SUCCESS && ordinal >= 0 && ordinal < CudaDevice.All.Count ? CudaDevice.All[ordinal].ToString() : "an unknown device";
    }
}
