using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>What joins the GPUs of a group's members. Each looks from its own process and tells all others, so that all of them hold the same.</summary>
internal static class PeerLinks
{
    /// <summary>A digit a member, in the order of the group: the <see cref="PeerLink"/> between its GPU and this rank's. Without NVML, of devices that this process sees.</summary>
    internal static string Look(CudaDevice own, IReadOnlyList<GroupMember> members) => string.Concat(members.Select(member => (int)Between(own, member.Device!)));

    /// <summary>The worst of all pairs. Of a pair one rank's answer is enough, which the other may lack.</summary>
    /// <param name="answers">What <see cref="Look"/> gave on each rank.</param>
    internal static PeerLink Combine(IReadOnlyList<string> answers)
    {
        PeerLink worst = PeerLink.SameGpu;
        for (int rank = 0; rank < answers.Count; rank++)
        {
            for (int peer = 0; peer < rank; peer++)
            {
                (PeerLink one, PeerLink other) = (At(rank, peer), At(peer, rank));
                PeerLink pair = one == PeerLink.Unknown ? other : other == PeerLink.Unknown || one > other ? one : other;
                worst = pair > worst ? pair : worst;
            }
        }

        return worst;

        PeerLink At(int rank, int peer) => (PeerLink)(answers[rank][peer] - '0');
    }

    private static PeerLink Between(CudaDevice own, MemberDevice device)
    {
        if (own.Uuid == device.Uuid)
            return PeerLink.SameGpu;
        if (CudaDevice.All.FirstOrDefault(visible => visible.Uuid == device.Uuid) is not { } peer)
            return PeerLink.Unknown;
        try
        {
            return own.HasNativeAtomics(peer) ? PeerLink.NvLink : PeerLink.Pcie;
        }
        catch (CudaException)
        {
            return PeerLink.Unknown;
        }
    }
}
