namespace CollectivesSharp;

/// <summary>The GPUs of a group and what joins them, as far as built-in tables depend on it; a pure function of what all members know, so that they decide alike.</summary>
/// <param name="Kind">Which tables.</param>
/// <param name="Doubt">Why they are a guess there, for who asks for reasons; null: they were measured on the like.</param>
internal sealed record PeerHardware(PeerHardwareKind Kind, string? Doubt)
{
    private const int Hopper = 90;

    /// <summary>GPUs of compute capability 9.0 over NVLink.</summary>
    internal static PeerHardware Measured { get; } = new(PeerHardwareKind.Measured, null);

    /// <param name="members">All have a device.</param>
    /// <param name="link">The worst between any two, see <see cref="PeerLinks.Combine"/>.</param>
    internal static PeerHardware Of(IReadOnlyList<GroupMember> members, PeerLink link)
    {
        string names = string.Join(" and ", members.Select(member => member.Device!.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        bool isHopper = members.All(member => member.Device!.ComputeCapability == Hopper);
        return (link, isHopper) switch
        {
            (PeerLink.SameGpu, _) => new(PeerHardwareKind.Measured, "nobody has measured ranks that share a GPU: as over NVLink"),
            (PeerLink.Pcie, _) => new(PeerHardwareKind.Pcie, $"nobody has measured our kernels over PCIe ({names}): by a cautious table"),
            (PeerLink.NvLink, true) => Measured,
            (_, true) => new(PeerHardwareKind.Measured, "no process sees the GPUs of two ranks, and with them what joins them: as over NVLink"),
            (PeerLink.NvLink, _) => new(PeerHardwareKind.Unmeasured, $"nobody has measured {names} over NVLink: by a cautious table"),
            _ => new(PeerHardwareKind.Unmeasured, $"nobody has measured {names}: by a cautious table"),
        };
    }
}
