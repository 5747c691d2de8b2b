namespace CollectivesSharp.Topology;

/// <summary>How GPU memory is registered with an adapter.</summary>
public enum GpuDirectSupport
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>By the kernel module nvidia_peermem, or the older nv_peer_mem.</summary>
    PeerMemory,

    /// <summary>By dma-buf, which kernel and driver have; only a registration proves it.</summary>
    DmaBuf,
}
