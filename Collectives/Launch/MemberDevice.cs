using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The GPU that a rank has taken, as every member knows it.</summary>
/// <param name="Ordinal">Among the devices that its process sees.</param>
/// <param name="Name">"NVIDIA H100 80GB HBM3".</param>
/// <param name="PciBusId">"0000:1b:00.0".</param>
/// <param name="Uuid">Tells whether two ranks share it.</param>
/// <param name="ComputeCapability">90 for Hopper.</param>
public sealed record MemberDevice(int Ordinal, string Name, string PciBusId, Guid Uuid, int ComputeCapability)
{
    internal static MemberDevice Of(CudaDevice device) =>
        new(device.Ordinal, device.Name, device.PciBusId, device.Uuid, (device.ComputeCapability.Major * 10) + device.ComputeCapability.Minor);

    public override string ToString() => $"GPU {Ordinal} {Name} {PciBusId}";
}
