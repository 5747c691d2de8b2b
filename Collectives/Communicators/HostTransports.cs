namespace CollectivesSharp;

/// <summary>Which transport a group takes, and how its members agree that it works.</summary>
internal static class HostTransports
{
    internal const string Variable = "COLLECTIVES_HOST_TRANSPORT";
    internal const string Builtin = "builtin";

    /// <summary>The options' own; else what the environment names. Null: the SDK's own.</summary>
    internal static IHostTransport? Resolve(GroupOptions options) => options.HostTransport ?? Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" or Builtin => null,
        MpiHostTransport.TransportName => new MpiHostTransport(),
        var other => throw new LaunchException($"{Variable}={other}: no such transport. Known are {Builtin} and {MpiHostTransport.TransportName}; others are set in {nameof(GroupOptions)}.{nameof(GroupOptions.HostTransport)}."),
    };

    /// <summary>Collective over the members: all get a communicator, or all throw with each one's reason.</summary>
    internal static async Task<IHostCommunicator> CreateAsync(IHostTransport transport, HostTransportContext context, List<GroupVote> votes, CancellationToken cancellationToken)
    {
        IHostCommunicator? communicator = null;
        string? objection = null;
        try
        {
            communicator = await transport.CreateAsync(context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (StoreException or OperationCanceledException))
        {
            objection = e.Message;
        }

        try
        {
            int[] ranks = [.. context.Members.Select(member => member.Rank)];
            GroupVote vote = await GroupVote.HoldAsync(context.Store, context.KeyPrefix, $"host transport {transport.Name}", ranks, context.RankInGroup, objection, context.Options.Timeout, cancellationToken).ConfigureAwait(false);
            if (!vote.IsOn)
            {
                IEnumerable<string> reasons = vote.Objections.GroupBy(item => item.Value, item => item.Key, StringComparer.Ordinal).Select(item => $"{GroupMember.NameRanks(item)}: {item.Key}");
                throw new GroupCreationException($"Group {context.Options.Name} can't be made over transport {transport.Name}. {string.Join("; ", reasons)}");
            }

            votes.Add(vote);
            IHostCommunicator made = communicator!;
            communicator = null;
            return made;
        }
        finally
        {
            communicator?.Dispose();
        }
    }
}
