namespace CollectivesSharp;

/// <summary>The best way that two ranks' machines offer between their GPUs (or between the ranks themselves, where one has no GPU), best first. An offer: what a group uses is its communicators' choice.</summary>
public enum RankPath
{
    /// <summary>One rank, or two on one GPU.</summary>
    Same,

    /// <summary>NVLink, inside a node or across hosts of one NVLink fabric.</summary>
    NvLink,

    /// <summary>PCIe, GPU to GPU: the driver allows both to read and write each other's memory.</summary>
    PciePeer,

    /// <summary>Memory of the node that both share.</summary>
    HostMemory,

    InfiniBand,

    /// <summary>RDMA over Ethernet, the same version on both sides.</summary>
    Roce,

    /// <summary>Sockets.</summary>
    Tcp,
}
