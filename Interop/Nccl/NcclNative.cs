using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>
/// NCCL's host API through 2.30, C names and values; communicators, windows and streams are nint. Collectives are enqueued on the stream and may
/// be captured; counts are elements, not bytes. A function newer than the loaded library throws <see cref="EntryPointNotFoundException"/> with the
/// version that has it: ask <see cref="NcclFeatures"/> first. Not bound: the device API and multicast pointers.
/// </summary>
public static unsafe partial class NcclNative
{
    public const int NCCL_UNIQUE_ID_BYTES = 128;
    public const int NCCL_CONFIG_UNDEF_INT = int.MinValue;
    public const float NCCL_UNDEF_FLOAT = -1.0f;
    public const uint NCCL_API_MAGIC = 0xcafebeef;

    // Precise (not beforefieldinit) on purpose: runs before the first import of this class is bound.
    static NcclNative() => NativeLibraryLocator.EnsureRegistered();

    /// <summary>major * 10000 + minor * 100 + patch: 22809 is 2.28.9.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclGetVersion(int* version);

    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial ncclResult_t ncclGetUniqueId(ncclUniqueId* uniqueId);

    /// <summary>A static string of the library.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial byte* ncclGetErrorString(ncclResult_t result);

    /// <summary>The text of the last error of this process, more precise than the code; <paramref name="comm"/> may be 0. Valid until the next call.</summary>
    [LibraryImport(NativeLibraryLocator.Nccl)]
    public static partial byte* ncclGetLastError(nint comm);

    /// <summary>NCCL 2.19.1 or newer. On the current device; at least <paramref name="size"/> bytes, of the kind that windows and registration need.</summary>
    public static ncclResult_t ncclMemAlloc(void** ptr, nuint size)
    {
        try { return Optional.ncclMemAlloc(ptr, size); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclMemAlloc), missing); }
    }

    /// <summary>NCCL 2.19.1 or newer.</summary>
    public static ncclResult_t ncclMemFree(void* ptr)
    {
        try { return Optional.ncclMemFree(ptr); }
        catch (EntryPointNotFoundException missing) { throw NcclFeatures.Missing(nameof(ncclMemFree), missing); }
    }

    private static partial class Optional
    {
        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclMemAlloc(void** ptr, nuint size);

        [LibraryImport(NativeLibraryLocator.Nccl)]
        internal static partial ncclResult_t ncclMemFree(void* ptr);
    }
}
