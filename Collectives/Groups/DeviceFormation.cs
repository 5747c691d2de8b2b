using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>What a rank has of its group's device side. <paramref name="Objection"/>: why there is no communicator.</summary>
internal sealed record FormedDevice(CudaDevice? Device, IDeviceCommunicator? Communicator, string? Objection);

/// <summary>How the members of a group come to move device memory: a plan that all of them make alike, NCCL, a vote.</summary>
internal static class DeviceFormation
{
    internal static async Task<FormedDevice> FormAsync(NcclContext context, List<GroupVote> votes, CancellationToken cancellationToken)
    {
        GroupMember[] members = context.Members;
        bool required = members.Any(member => member.DeviceRequired);
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
            catch (Exception e) when (e is NcclException or GroupCreationException or CudaException or NotSupportedException or TimeoutException)
            {
                own = e.Message;
            }

            GroupVote? vote = null;
            try
            {
                int[] ranks = [.. members.Select(member => member.Rank)];
                vote = await GroupVote.HoldAsync(context.Store, context.KeyPrefix, "NCCL", ranks, context.RankInGroup, own, context.Options.Timeout, cancellationToken).ConfigureAwait(false);
                votes.Add(vote);
            }
            finally
            {
                if (vote is not { IsOn: true })
                    communicator?.Abort("not every rank could make its communicator");
            }

            if (vote.IsOn)
                return new FormedDevice(context.Device, communicator, null);
            communicator?.Dispose();
            objection = string.Join("; ", vote.Objections.GroupBy(item => item.Value, item => item.Key, StringComparer.Ordinal).Select(item => $"{GroupMember.NameRanks(item)}: {item.Key}"));
        }

        if (required)
            throw new GroupCreationException($"Group {context.Options.Name} can't be made: it must move device memory ({string.Join(", ", members.Where(member => member.DeviceRequired).Select(member => $"rank {member.Rank}"))} asked for a device). {objection}");
        context.Logger.LogDebug("Group {Name} moves host memory only: {Objection}", context.Options.Name, objection);
        return new FormedDevice(context.Device, null, objection);
    }
}
