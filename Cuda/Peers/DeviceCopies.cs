using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>Copies and fills on a device's copy stream, and a wait for it that is bounded and holds no thread.</summary>
internal static class DeviceCopies
{
    private const int LongestPauseMilliseconds = 4;

    internal static unsafe void FromHost(CudaDevice device, nint target, ReadOnlySpan<byte> source)
    {
        using CudaContextScope scope = device.MakeCurrent();
        fixed (byte* from = source)
            CudaCall.Check(CudaDriverNative.cuMemcpyHtoDAsync_v2(target, from, (nuint)source.Length, device.CopyStream), "cuMemcpyHtoDAsync");
    }

    /// <summary>From the stream's device to any that it reaches.</summary>
    internal static void OnDevice(CudaDevice device, nint target, nint source, nuint bytes)
    {
        using CudaContextScope scope = device.MakeCurrent();
        CudaCall.Check(CudaDriverNative.cuMemcpyDtoDAsync_v2(target, source, bytes, device.CopyStream), $"cuMemcpyDtoDAsync from device {device}");
    }

    /// <summary>Waits for the copy; nothing that waits for a peer is on the stream.</summary>
    internal static unsafe void ToHost(CudaDevice device, Span<byte> target, nint source)
    {
        using CudaContextScope scope = device.MakeCurrent();
        fixed (byte* to = target)
        {
            CudaCall.Check(CudaDriverNative.cuMemcpyDtoHAsync_v2(to, source, (nuint)target.Length, device.CopyStream), "cuMemcpyDtoHAsync");
            CudaCall.Check(CudaDriverNative.cuStreamSynchronize(device.CopyStream), "cuStreamSynchronize");
        }
    }

    internal static void Fill(CudaDevice device, nint target, byte value, nuint bytes)
    {
        using CudaContextScope scope = device.MakeCurrent();
        CudaCall.Check(CudaDriverNative.cuMemsetD8Async(target, value, bytes, device.CopyStream), "cuMemsetD8Async");
    }

    /// <summary>Throws <see cref="TimeoutException"/> if the stream is not done at the deadline, and what a copy failed with.</summary>
    internal static async Task WaitAsync(CudaDevice device, PeerDeadline deadline)
    {
        for (int pause = 1; !IsDone(device); pause = Math.Min(pause * 2, LongestPauseMilliseconds))
        {
            if (deadline.Left <= TimeSpan.Zero)
                throw new TimeoutException($"The copy stream of device {device} was not done within {deadline.Timeout.TotalSeconds:0.###} s.");
            await Task.Delay(pause, deadline.CancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsDone(CudaDevice device)
    {
        using CudaContextScope scope = device.MakeCurrent();
        CUresult result = CudaDriverNative.cuStreamQuery(device.CopyStream);
        if (result == CUresult.CUDA_ERROR_NOT_READY)
            return false;
        CudaCall.Check(result, "cuStreamQuery of the copy stream");
        return true;
    }
}
