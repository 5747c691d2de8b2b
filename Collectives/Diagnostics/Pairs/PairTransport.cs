namespace CollectivesSharp;

/// <summary>By what a pair of ranks was measured.</summary>
public enum PairTransport
{
    /// <summary>The copy engine and a kernel's stores, straight into the other GPU's memory.</summary>
    PeerMemory,

    /// <summary>NCCL's send and receive on device memory: the launch of its kernels counts.</summary>
    Nccl,

    /// <summary>Messages between the ranks' host memory.</summary>
    Host,
}
