namespace CollectivesSharp.Topology;

/// <summary>NVML's answer to a <see cref="PeerCapability"/>. It is the driver's opinion: in VMs only a copy proves it.</summary>
public enum PeerStatus
{
    Ok = 0,
    ChipsetNotSupported = 1,
    GpuNotSupported = 2,
    TopologyNotSupported = 3,
    DisabledByRegistry = 4,
    NotSupported = 5,
    Unknown = 6,
}
