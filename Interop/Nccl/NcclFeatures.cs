namespace CollectivesSharp.Interop;

/// <summary>
/// What the NCCL at hand can do, told by its exports. Functions up to 2.14.3 are taken for granted; each later one is in <see cref="Since"/>.
/// </summary>
public static class NcclFeatures
{
    private static readonly FeatureTable s_table = new(
        NativeLibraryKind.Nccl,
        () => $"NCCL {VersionText(NcclNative.LibraryVersion())}",
        ("2.18.1",
        [
            nameof(NcclNative.ncclCommSplit),
        ]),
        ("2.19.1",
        [
            nameof(NcclNative.ncclCommRegister), nameof(NcclNative.ncclCommDeregister), nameof(NcclNative.ncclMemAlloc),
            nameof(NcclNative.ncclMemFree),
        ]),
        ("2.22.3",
        [
            nameof(NcclNative.ncclGroupSimulateEnd),
        ]),
        ("2.23.4",
        [
            nameof(NcclNative.ncclCommInitRankScalable),
        ]),
        ("2.27.3",
        [
            nameof(NcclNative.ncclCommShrink), nameof(NcclNative.ncclCommWindowRegister), nameof(NcclNative.ncclCommWindowDeregister),
        ]),
        ("2.28.3",
        [
            nameof(NcclNative.ncclAlltoAll), nameof(NcclNative.ncclGather), nameof(NcclNative.ncclScatter),
        ]),
        ("2.28.7",
        [
            nameof(NcclNative.ncclCommRevoke),
        ]),
        ("2.29.2",
        [
            nameof(NcclNative.ncclCommGetUniqueId), nameof(NcclNative.ncclCommGrow), nameof(NcclNative.ncclPutSignal), nameof(NcclNative.ncclSignal),
            nameof(NcclNative.ncclWaitSignal), nameof(NcclNative.ncclWinGetUserPtr), nameof(NcclNative.ncclGetLsaDevicePointer),
            nameof(NcclNative.ncclGetPeerDevicePointer),
        ]),
        ("2.29.7",
        [
            nameof(NcclNative.ncclCommSuspend), nameof(NcclNative.ncclCommResume), nameof(NcclNative.ncclCommMemStats),
        ]),
        ("2.30.3",
        [
            nameof(NcclNative.ncclParamBind), nameof(NcclNative.ncclParamGetI8), nameof(NcclNative.ncclParamGetI16),
            nameof(NcclNative.ncclParamGetI32), nameof(NcclNative.ncclParamGetI64), nameof(NcclNative.ncclParamGetU8),
            nameof(NcclNative.ncclParamGetU16), nameof(NcclNative.ncclParamGetU32), nameof(NcclNative.ncclParamGetU64),
            nameof(NcclNative.ncclParamGetStr), nameof(NcclNative.ncclParamGet), nameof(NcclNative.ncclParamGetParameter),
            nameof(NcclNative.ncclParamGetAllParameterKeys), nameof(NcclNative.ncclParamDumpAll),
        ]));

    /// <summary>The functions that a supported library may lack, with the first version that has each.</summary>
    public static IReadOnlyDictionary<string, string> Since => s_table.Since;

    /// <summary>Whether the library at hand exports the function; false also if there is no library. Never throws for a missing one.</summary>
    public static bool Has(string function) => s_table.Has(function);

    internal static EntryPointNotFoundException Missing(string function, Exception inner) => s_table.Missing(function, inner);

    /// <summary>"2.28.9" for 22809.</summary>
    public static string VersionText(int code) =>
        code < 10000 ? $"{code / 1000}.{code % 1000 / 100}.{code % 100}" : $"{code / 10000}.{code % 10000 / 100}.{code % 100}";
}
