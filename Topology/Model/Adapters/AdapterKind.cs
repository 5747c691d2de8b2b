namespace CollectivesSharp.Topology;

/// <summary>What a network adapter speaks.</summary>
public enum AdapterKind
{
    /// <summary>InfiniBand's own link layer.</summary>
    InfiniBand,

    /// <summary>RDMA over Ethernet with routable (UDP) addresses.</summary>
    RoceV2,

    /// <summary>RDMA over Ethernet within one layer-2 network only.</summary>
    RoceV1,

    /// <summary>RDMA over TCP.</summary>
    Iwarp,

    /// <summary>No RDMA: sockets.</summary>
    Ethernet,

    /// <summary>RDMA of a maker's own kind, named by its driver (efa, hfi1, erdma): usually over libfabric.</summary>
    Other,
}
