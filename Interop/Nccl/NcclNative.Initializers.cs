namespace CollectivesSharp.Interop;

public static unsafe partial class NcclNative
{
    /// <summary>Every option undefined, size and version as the loaded library wants them.</summary>
    public static ncclConfig_t NCCL_CONFIG_INITIALIZER => ncclConfig_t.Undefined(LibraryVersion());

    public static ncclSimInfo_t NCCL_SIM_INFO_INITIALIZER => new()
    {
        size = (nuint)sizeof(ncclSimInfo_t),
        magic = 0x74685283,
        version = (uint)LibraryVersion(),
        estimatedTime = NCCL_UNDEF_FLOAT,
    };

    internal static int LibraryVersion()
    {
        // Can only fail for a null pointer.
        int version;
        _ = ncclGetVersion(&version);
        return version;
    }
}
