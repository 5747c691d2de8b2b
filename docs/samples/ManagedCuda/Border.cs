using CollectivesSharp.Cuda;
using ManagedCuda;
using CudaStream = ManagedCuda.CudaStream;

/// <summary>What the SDK takes is raw: a pointer with a count of elements, a stream's handle. Nothing is copied, and nothing changes its owner.</summary>
internal static class Border
{
    /// <summary>Valid while <paramref name="variable"/> is not disposed, which must not be before the stream has done what it was passed to.</summary>
    public static DeviceSpan<T> SpanOf<T>(CudaDeviceVariable<T> variable)
        where T : unmanaged
        => new((nint)(ulong)variable.DevicePointer, (nuint)(ulong)variable.Size);

    public static nint HandleOf(CudaStream stream) => stream.Stream.Pointer;
}
