using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>
/// The layout of NCCL 2.32. NCCL only ever appends, and a library reads no more than the size that it knows and no field that is newer than
/// version: <see cref="NcclNative.NCCL_CONFIG_INITIALIZER"/> makes one that suits the library at hand. A field that is 0 is a choice
/// (blocking = 0: non-blocking), not "undefined".
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct ncclConfig_t
{
    public nuint size;
    public uint magic;
    public uint version;
    public int blocking;
    public int cgaClusterSize;
    public int minCTAs;
    public int maxCTAs;
    public byte* netName;
    public int splitShare;

    /// <summary>2.26.2.</summary>
    public int trafficClass;

    /// <summary>2.27.3, with the four that follow.</summary>
    public byte* commName;
    public int collnetEnable;
    public int CTAPolicy;
    public int shrinkShare;
    public int nvlsCTAs;

    /// <summary>2.28.3, with the next.</summary>
    public int nChannelsPerNetPeer;
    public int nvlinkCentricSched;

    /// <summary>2.29.2, with the next. 0: no graphs, 1: one graph at a time, 2: mixed with eager calls.</summary>
    public int graphUsageMode;
    public int numRmaCtx;

    /// <summary>2.30.3.</summary>
    public int maxP2pPeers;

    /// <summary>2.30.7.</summary>
    public int graphStreamOrdering;

    /// <summary>After 2.30, with the four that follow.</summary>
    public int launchOrderImplicit;
    public int numRmaSig;
    public int rmaEagerInit;
    public int hostCftMode;

    /// <summary>0: NVLS allowed, 1: no NVLS transport, 2: no multimem in symmetric kernels, int.MaxValue: none at all.</summary>
    public int nvlsHostMode;

    /// <summary>Every option undefined, for a library of this version (ncclGetVersion's code).</summary>
    public static ncclConfig_t Undefined(int libraryVersion) => new()
    {
        size = (nuint)sizeof(ncclConfig_t),
        magic = NcclNative.NCCL_API_MAGIC,

        // A newer library must not look for fields that this layout lacks.
        version = (uint)Math.Min(libraryVersion, LayoutVersion),
        blocking = NcclNative.NCCL_CONFIG_UNDEF_INT,
        cgaClusterSize = NcclNative.NCCL_CONFIG_UNDEF_INT,
        minCTAs = NcclNative.NCCL_CONFIG_UNDEF_INT,
        maxCTAs = NcclNative.NCCL_CONFIG_UNDEF_INT,
        netName = null,
        splitShare = NcclNative.NCCL_CONFIG_UNDEF_INT,
        trafficClass = NcclNative.NCCL_CONFIG_UNDEF_INT,
        commName = null,
        collnetEnable = NcclNative.NCCL_CONFIG_UNDEF_INT,
        CTAPolicy = NcclNative.NCCL_CONFIG_UNDEF_INT,
        shrinkShare = NcclNative.NCCL_CONFIG_UNDEF_INT,
        nvlsCTAs = NcclNative.NCCL_CONFIG_UNDEF_INT,
        nChannelsPerNetPeer = NcclNative.NCCL_CONFIG_UNDEF_INT,
        nvlinkCentricSched = NcclNative.NCCL_CONFIG_UNDEF_INT,
        graphUsageMode = NcclNative.NCCL_CONFIG_UNDEF_INT,
        numRmaCtx = NcclNative.NCCL_CONFIG_UNDEF_INT,
        maxP2pPeers = NcclNative.NCCL_CONFIG_UNDEF_INT,
        graphStreamOrdering = NcclNative.NCCL_CONFIG_UNDEF_INT,
        launchOrderImplicit = NcclNative.NCCL_CONFIG_UNDEF_INT,
        numRmaSig = NcclNative.NCCL_CONFIG_UNDEF_INT,
        rmaEagerInit = NcclNative.NCCL_CONFIG_UNDEF_INT,
        hostCftMode = NcclNative.NCCL_CONFIG_UNDEF_INT,
        nvlsHostMode = NcclNative.NCCL_CONFIG_UNDEF_INT,
    };

    private const int LayoutVersion = 23200;
}
