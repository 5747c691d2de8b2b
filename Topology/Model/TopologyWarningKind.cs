namespace CollectivesSharp.Topology;

public enum TopologyWarningKind
{
    /// <summary>A file could not be read: no permission, an error of the kernel, a loop of links.</summary>
    FileUnreadable,

    /// <summary>A file does not say what it should.</summary>
    FileMalformed,

    /// <summary>A whole part of the machine is not shown (no /sys, no such class).</summary>
    Missing,

    NvmlUnavailable,
    NvmlCallFailed,
    NvLinkDown,
    NvLinkInferred,

    /// <summary>NVLinks are up and the driver refuses to use them.</summary>
    NvLinkUnusable,

    FabricNotReady,
    PeerAccessRefused,

    /// <summary>The driver reports peer access, and it fails in use: a copy does not arrive, memory can't be mapped.</summary>
    PeerAccessFailed,

    /// <summary>Peer access moves less than half of what its path promises.</summary>
    PeerAccessSlow,

    GpuWithoutNearAdapter,
    PortDown,
    PortSlow,
    RoceV1Only,
    NoGpuDirectRdma,
    PcieLinkDegraded,
    NumaUnknown,
    VirtualTopology,
    MigEnabled,
    VisibleDevices,

    /// <summary>Two sources contradict each other.</summary>
    Contradiction,

    /// <summary>Detection itself failed; the answer is incomplete. Please report it with a snapshot.</summary>
    Internal,
}
