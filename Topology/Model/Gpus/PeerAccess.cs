using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>What the driver says of one ordered pair of GPUs.</summary>
/// <param name="From">NVML index of the GPU that reads or writes.</param>
/// <param name="To">NVML index of the GPU whose memory it is.</param>
/// <param name="Status">By <see cref="PeerCapability"/> as index.</param>
public sealed record PeerAccess(int From, int To, ImmutableArray<PeerStatus> Status)
{
    public PeerStatus this[PeerCapability capability] => (int)capability < Status.Length ? Status[(int)capability] : PeerStatus.Unknown;

    public bool Equals(PeerAccess? other) => other is not null && From == other.From && To == other.To && Status.AsSpan().SequenceEqual(other.Status.AsSpan());

    public override int GetHashCode() => HashCode.Combine(From, To);
}
