using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

// No native call of a hot path stands in a try block, which a using is: the stub that the JIT makes there allocates.
/// <summary>Copies and fills of device memory, whoever owns it.</summary>
public static unsafe class DeviceMemory
{
    /// <summary>Host to device; returns when it is done. Source and target are equally long.</summary>
    public static void CopyFrom<T>(this DeviceSpan<T> target, CudaDevice device, ReadOnlySpan<T> source)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(device);
        CheckLengths((nuint)source.Length, target.Length);
        if (source.IsEmpty)
            return;
        using CudaContextScope scope = device.MakeCurrent();
        fixed (T* from = source)
            CudaCall.Check(CudaDriverNative.cuMemcpyHtoD_v2(target.Pointer, from, target.LengthInBytes));

        // Out of pageable memory the driver returns when it has read the source: what is under way to the device by then is on the legacy default stream, which others do not wait for.
        CudaCall.Check(CudaDriverNative.cuStreamSynchronize(0));
    }

    /// <summary>Device to host; returns when it is done.</summary>
    public static void CopyTo<T>(this DeviceSpan<T> source, CudaDevice device, Span<T> target)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(device);
        CheckLengths(source.Length, (nuint)target.Length);
        if (target.IsEmpty)
            return;
        using CudaContextScope scope = device.MakeCurrent();
        fixed (T* to = target)
            CudaCall.Check(CudaDriverNative.cuMemcpyDtoH_v2(to, source.Pointer, source.LengthInBytes));
    }

    /// <summary>Enqueues a copy on the device, or between two that reach each other. May be captured.</summary>
    public static void CopyTo<T>(this DeviceSpan<T> source, DeviceSpan<T> target, CudaStream stream)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        CheckLengths(source.Length, target.Length);
        if (source.IsEmpty)
            return;
        nint order = stream.Handle;
        CudaContextScope scope = stream.Device.MakeCurrent();
        CUresult result = CudaDriverNative.cuMemcpyDtoDAsync_v2(target.Pointer, source.Pointer, source.LengthInBytes, order);
        scope.Dispose();
        if (result != CUresult.CUDA_SUCCESS)
            CudaCall.Throw(result, $"A copy of {source} to {target}");
    }

    /// <summary>Enqueues zeros (every byte 0). May be captured.</summary>
    public static void Clear<T>(this DeviceSpan<T> target, CudaStream stream)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (target.IsEmpty)
            return;
        nint order = stream.Handle;
        CudaContextScope scope = stream.Device.MakeCurrent();
        CUresult result = CudaDriverNative.cuMemsetD8Async(target.Pointer, 0, target.LengthInBytes, order);
        scope.Dispose();
        if (result != CUresult.CUDA_SUCCESS)
            CudaCall.Throw(result, $"Clearing {target}");
    }

    private static void CheckLengths(nuint source, nuint target)
    {
        if (source != target)
            throw new ArgumentException($"A copy of {source} elements into {target}.");
    }
}
