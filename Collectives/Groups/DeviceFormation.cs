using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>What a rank has of its group's device side. <paramref name="Objection"/>: why there is no communicator. <paramref name="PeerObjection"/>: why it has no peer memory.</summary>
internal sealed record FormedDevice(CudaDevice? Device, IDeviceCommunicator? Communicator, string? Objection, string? PeerObjection = null);

/// <summary>How the members of a group come to move device memory: NCCL and peer memory, for each a plan that all of them make alike, the making, a vote.</summary>
internal static class DeviceFormation
{
    /// <summary>A rank that is lost, or leaves by an exception, ends it on all others at once, by the group's host memory.</summary>
    internal static async Task<FormedDevice> FormAsync(NcclContext context, List<GroupVote> votes, CancellationToken cancellationToken)
    {
        HostFaultWatch watch = new(context.Host, cancellationToken);
        await using (watch.ConfigureAwait(false))
        {
            try
            {
                return await FormWatchedAsync(context, votes, watch.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && watch.Fault is not null)
            {
                throw new GroupCreationException($"Group {context.Options.Name} can't be made: {watch.Fault.Message}", watch.Fault);
            }
            catch (Exception e) when (e is not GroupCreationException)
            {
                context.Host?.Abort($"rank {context.Members[context.RankInGroup].Rank} gave up while the group was made: {e.Message}");
                throw;
            }
        }
    }

    private static async Task<FormedDevice> FormWatchedAsync(NcclContext context, List<GroupVote> votes, CancellationToken cancellationToken)
    {
        GroupMember[] members = context.Members;
        string? objection;
        if (members.Length == 1)
        {
            if (context.Device is { } alone)
                return new FormedDevice(alone, new SoloDeviceCommunicator(context.Options.Name, alone), null);
            objection = members[0].DeviceObjection;
        }
        else
        {
            NcclCommunicator? nccl = null;
            PeerCommunicator? peer = null;
            try
            {
                (nccl, string? noNccl) = await FormNcclAsync(context, votes, cancellationToken).ConfigureAwait(false);
                string? noPeer = PeerPlan.FindObjection(members, context.Options);
                if (noPeer is null)
                    (peer, noPeer) = await PeerFormation.FormAsync(context, votes, cancellationToken).ConfigureAwait(false);
                if (peer is null && nccl is not null && context.Options.AllReducePolicy == AllReducePolicy.Deterministic)
                    throw new GroupCreationException($"Group {context.Options.Name} can't be made: {nameof(GroupOptions)}.{nameof(GroupOptions.AllReducePolicy)} is {AllReducePolicy.Deterministic}, which excludes NCCL, and our own kernels can't: {noPeer} Take {AllReducePolicy.Fastest}, or ranks that share peer memory.");
                IDeviceCommunicator? communicator = peer is null ? nccl
                    : new RoutedDeviceCommunicator(new AllReduceFacts(members.Length, noNccl, null, peer.HalfBytes, RoutePreference.Resolve(context.Options)) { Policy = context.Options.AllReducePolicy, CopyEngineObjection = PeerPlan.FindCopyEngineObjection(members), Hardware = peer.Hardware }, nccl, peer);
                (nccl, peer) = (null, null);
                if (communicator is not null)
                    return new FormedDevice(context.Device, communicator, null, noPeer);

                // Without a GPU there is one reason; what nobody asked for needs none.
                bool both = members.All(member => member.Device is not null) && !PeerPlan.IsUnwanted(context.Options);
                objection = both ? $"NCCL: {noNccl} Peer memory: {noPeer}" : noNccl;
            }
            finally
            {
                Discard(nccl);
                peer?.Dispose();
            }
        }

        if (members.Any(member => member.DeviceRequired))
            throw new GroupCreationException($"Group {context.Options.Name} can't be made: it must move device memory ({string.Join(", ", members.Where(member => member.DeviceRequired).Select(member => $"rank {member.Rank}"))} asked for a device). {objection}");
        context.Logger.LogDebug("Group {Name} moves host memory only: {Objection}", context.Options.Name, objection);
        return new FormedDevice(context.Device, null, objection);
    }

    /// <summary>The communicator, or why the members can't have one.</summary>
    private static async Task<(NcclCommunicator? Communicator, string? Objection)> FormNcclAsync(NcclContext context, List<GroupVote> votes, CancellationToken cancellationToken)
    {
        if (DevicePlan.FindObjection(context.Members) is { } objection)
            return (null, objection);
        NcclCommunicator? communicator = null;
        string? own = null;
        try
        {
            communicator = await NcclCommunicator.CreateAsync(context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (OperationCanceledException or StoreException))
        {
            own = e is NcclException ? e.Message + NcclAdvice.Hint(context) : e.Message;
        }

        try
        {
            GroupVote vote = await VoteAsync(context, own, cancellationToken).ConfigureAwait(false);
            votes.Add(vote);
            if (!vote.IsOn)
                return (null, string.Join("; ", vote.Objections.GroupBy(item => item.Value, item => item.Key, StringComparer.Ordinal).Select(item => $"{GroupMember.NameRanks(item)}: {item.Key}")));
            NcclCommunicator made = communicator!;
            communicator = null;
            return (made, null);
        }
        finally
        {
            Discard(communicator);
        }
    }

    private static void Discard(NcclCommunicator? communicator)
    {
        communicator?.Discard();
        communicator?.Dispose();
    }

    private static async Task<GroupVote> VoteAsync(NcclContext context, string? objection, CancellationToken cancellationToken)
    {
        try
        {
            int[] ranks = [.. context.Members.Select(member => member.Rank)];
            return await GroupVote.HoldAsync(context.Store, context.KeyPrefix, "NCCL", ranks, context.RankInGroup, objection, context.Options.Timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new GroupCreationException($"Group {context.Options.Name} can't be made: {context.Members[0]} did not say within {context.Options.Timeout.TotalSeconds:0.###} s how the vote on NCCL ended; it has ended or hangs.");
        }
    }
}
