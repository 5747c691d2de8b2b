using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>The CUDA driver of this process: there or not, and why not.</summary>
public static class CudaDriver
{
    private static readonly Lock s_lock = new();
    private static bool s_ready;

    /// <summary>
    /// Loads and initialises the driver. False without a driver or without a device; <paramref name="reason"/> then says what was looked for and found. Never throws.
    /// A process that has once succeeded answers from memory; a failure is tried again by the next call.
    /// </summary>
    public static unsafe bool TryInitialize(out string? reason)
    {
        lock (s_lock)
        {
            reason = null;
            if (s_ready)
                return true;
            try
            {
                NativeLibraryLocator.Find(NativeLibraryKind.Cuda);
            }
            catch (NativeLibraryNotFoundException missing)
            {
                reason = missing.Message;
                return false;
            }

            CUresult result = CudaDriverNative.cuInit(0);
            int count = 0;
            if (result == CUresult.CUDA_SUCCESS)
                result = CudaDriverNative.cuDeviceGetCount(&count);
            if (result == CUresult.CUDA_SUCCESS && count == 0)
                result = CUresult.CUDA_ERROR_NO_DEVICE;
            if (result != CUresult.CUDA_SUCCESS)
            {
                reason = $"The CUDA driver finds no device: {CudaCall.Describe(result)}. CUDA_VISIBLE_DEVICES is {Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES") ?? "not set"}.";
                return false;
            }

            s_ready = true;
            return true;
        }
    }

    /// <summary>What the driver supports: (13, 0). Throws <see cref="CudaException"/> or <see cref="NativeLibraryNotFoundException"/> without one.</summary>
    public static unsafe (int Major, int Minor) Version
    {
        get
        {
            int version;
            CudaCall.Check(CudaDriverNative.cuDriverGetVersion(&version));
            return (version / 1000, version % 1000 / 10);
        }
    }
}
