namespace CollectivesSharp.Topology;

/// <summary>NVML's answers about one NVLink of a GPU.</summary>
internal sealed record NvmlLink
{
    public int Link { get; init; }

    public bool? Active { get; init; }

    /// <summary>nvmlDeviceGetNvLinkCapability(P2P_SUPPORTED).</summary>
    public bool? PeerSupported { get; init; }

    public int? Version { get; init; }

    public long? MegabytesPerSecond { get; init; }

    /// <summary>Null where the call failed; all f in VMs that hide it.</summary>
    public string? RemoteBusId { get; init; }

    /// <summary>nvmlIntNvLinkDeviceType_t: 0 GPU, 1 IBM NPU, 2 switch, 255 unknown.</summary>
    public int? RemoteType { get; init; }

    /// <summary>The link number at the other end.</summary>
    public int? RemoteLink { get; init; }
}
