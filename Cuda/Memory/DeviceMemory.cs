using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>Copies and fills of device memory, whoever owns it.</summary>
/// <remarks>What is enqueued allocates nothing: its native call stands in no try block, where the JIT would make a stub of it.</remarks>
public static unsafe class DeviceMemory
{
    /// <summary>
    /// Host to device; returns when the content is there, for every stream that is given work afterwards. Waits for no stream: what still runs on the target is the caller's to wait for. Source and target are equally long.
    /// </summary>
    public static void CopyFrom<T>(this DeviceSpan<T> target, CudaDevice device, ReadOnlySpan<T> source)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(device);
        CheckLengths((nuint)source.Length, target.Length);
        if (source.IsEmpty)
            return;
        using CudaContextScope scope = device.MakeCurrent();

        // Not cuMemcpyHtoD: it waits for the default stream before it starts, and out of pageable memory it returns before the device has everything.
        fixed (T* from = source)
        {
            CudaCall.Check(CudaDriverNative.cuMemcpyHtoDAsync_v2(target.Pointer, from, target.LengthInBytes, device.CopyStream));
            CudaCall.Check(CudaDriverNative.cuStreamSynchronize(device.CopyStream));
        }
    }

    /// <summary>Device to host; returns when it is done. Waits for no stream: synchronise first with what writes the source.</summary>
    public static void CopyTo<T>(this DeviceSpan<T> source, CudaDevice device, Span<T> target)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(device);
        CheckLengths(source.Length, (nuint)target.Length);
        if (target.IsEmpty)
            return;
        using CudaContextScope scope = device.MakeCurrent();
        fixed (T* to = target)
        {
            CudaCall.Check(CudaDriverNative.cuMemcpyDtoHAsync_v2(to, source.Pointer, source.LengthInBytes, device.CopyStream));
            CudaCall.Check(CudaDriverNative.cuStreamSynchronize(device.CopyStream));
        }
    }

    /// <summary>Enqueues a copy on the device, or between two that reach each other. May be captured.</summary>
    public static void CopyTo<T>(this DeviceSpan<T> source, DeviceSpan<T> target, CudaStream stream)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        CheckLengths(source.Length, target.Length);
        if (source.IsEmpty)
            return;
        CudaContextScope scope = stream.Device.MakeCurrent();
        CUresult result = CudaDriverNative.cuMemcpyDtoDAsync_v2(target.Pointer, source.Pointer, source.LengthInBytes, stream.Handle);
        scope.Dispose();
        CudaCall.Check(result, "cuMemcpyDtoDAsync(target, source, bytes, stream)");
    }

    /// <summary>Enqueues zeros (every byte 0). May be captured.</summary>
    public static void Clear<T>(this DeviceSpan<T> target, CudaStream stream)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (target.IsEmpty)
            return;
        CudaContextScope scope = stream.Device.MakeCurrent();
        CUresult result = CudaDriverNative.cuMemsetD8Async(target.Pointer, 0, target.LengthInBytes, stream.Handle);
        scope.Dispose();
        CudaCall.Check(result, "cuMemsetD8Async(target, 0, bytes, stream)");
    }

    private static void CheckLengths(nuint source, nuint target)
    {
        if (source != target)
            throw new ArgumentException($"A copy of {source} elements into {target}.");
    }
}
