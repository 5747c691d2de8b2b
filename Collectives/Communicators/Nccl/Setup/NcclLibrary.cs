using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The NCCL of this process.</summary>
internal static unsafe class NcclLibrary
{
    /// <summary>2.18.1: the first with ncclCommSplit.</summary>
    internal const int MinimumVersion = 21801;

    internal const int NativeAllToAll = 22803;
    internal const int Float8 = 22403;

    /// <summary>The library, or why it can't be used.</summary>
    internal static (MemberNccl? Library, string? Objection) Find()
    {
        try
        {
            NativeLibraryLocator.Find(NativeLibraryKind.Nccl);
            int version;
            ncclResult_t result = NcclNative.ncclGetVersion(&version);
            NativeLibraryLocator.TryFind(NativeLibraryKind.Nccl, out string? path, out _, out _);
            if (result != ncclResult_t.ncclSuccess)
                return (null, $"ncclGetVersion of {path}: {Describe(result)}");
            return version >= MinimumVersion
                ? (new MemberNccl(version, path), null)
                : (null, $"NCCL {NcclFeatures.VersionText(version)} at {path} is too old: {NcclFeatures.VersionText(MinimumVersion)} or newer is needed. COLLECTIVES_NCCL_PATH names another file.");
        }
        catch (Exception e) when (e is NativeLibraryNotFoundException or EntryPointNotFoundException)
        {
            return (null, e.Message);
        }
    }

    /// <summary>"ncclInvalidArgument (4): invalid argument", and what NCCL last said in this process.</summary>
    internal static string Describe(ncclResult_t result, nint communicator = 0)
    {
        string text = Marshal.PtrToStringUTF8((nint)NcclNative.ncclGetErrorString(result)) ?? "no text";
        string last = Marshal.PtrToStringUTF8((nint)NcclNative.ncclGetLastError(communicator))?.Trim() ?? "";
        return $"{result} ({(int)result}): {text}{(last.Length == 0 ? "" : $"; {last}")}";
    }
}
