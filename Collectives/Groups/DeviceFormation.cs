using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>What a rank has of its group's device side. <paramref name="Objection"/>: why there is no communicator.</summary>
internal sealed record FormedDevice(CudaDevice? Device, IDeviceCommunicator? Communicator, string? Objection);

/// <summary>How the members of a group come to move device memory: a plan that all of them make alike, NCCL, a vote.</summary>
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
        else if ((objection = DevicePlan.FindObjection(members)) is null)
        {
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

            GroupVote vote;
            try
            {
                vote = await VoteAsync(context, own, cancellationToken).ConfigureAwait(false);
                votes.Add(vote);
                if (vote.IsOn)
                {
                    NcclCommunicator made = communicator!;
                    communicator = null;
                    return new FormedDevice(context.Device, made, null);
                }
            }
            finally
            {
                communicator?.Discard();
                communicator?.Dispose();
            }

            objection = string.Join("; ", vote.Objections.GroupBy(item => item.Value, item => item.Key, StringComparer.Ordinal).Select(item => $"{GroupMember.NameRanks(item)}: {item.Key}"));
        }

        if (members.Any(member => member.DeviceRequired))
            throw new GroupCreationException($"Group {context.Options.Name} can't be made: it must move device memory ({string.Join(", ", members.Where(member => member.DeviceRequired).Select(member => $"rank {member.Rank}"))} asked for a device). {objection}");
        context.Logger.LogDebug("Group {Name} moves host memory only: {Objection}", context.Options.Name, objection);
        return new FormedDevice(context.Device, null, objection);
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
