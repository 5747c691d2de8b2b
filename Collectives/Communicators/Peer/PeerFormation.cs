using System.Globalization;
using System.Text;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// How the members of a group come to a peer communicator: memory that a copy test has proved, kernels that are loaded everywhere before the first of them runs, an all-reduce that is right, and a vote. An error of one
/// rank travels as an objection, so that all take the same steps.
/// </summary>
internal static class PeerFormation
{
    internal const string Capability = "peer memory";

    /// <summary>Prepared from the start: what engines call in their first step. A quarter of a second each to compile, once a machine; some milliseconds to load.</summary>
    private static readonly DataType[] s_first = [DataType.Float32, DataType.Float16, DataType.BFloat16];

    /// <summary>Collective. The communicator, or what each rank has against it.</summary>
    internal static async Task<(PeerCommunicator? Communicator, string? Objection)> FormAsync(NcclContext context, List<GroupVote> votes, CancellationToken cancellationToken)
    {
        PeerCommunicator? made = null;
        string? own;
        try
        {
            (made, own) = await MakeAsync(context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PeerMemoryException or TimeoutException)
        {
            own = e.Message;
        }

        try
        {
            GroupVote vote = await VoteAsync(context, own, cancellationToken).ConfigureAwait(false);
            votes.Add(vote);
            if (!vote.IsOn)
                return (null, string.Join("; ", vote.Objections.GroupBy(item => item.Value, item => item.Key, StringComparer.Ordinal).Select(item => item.Count() == context.Members.Length ? item.Key : $"{GroupMember.NameRanks(item)}: {item.Key}")));
            PeerCommunicator communicator = made!;
            made = null;
            communicator.Begin();
            return (communicator, null);
        }
        finally
        {
            made?.Dispose();
        }
    }

    private static async Task<(PeerCommunicator?, string?)> MakeAsync(NcclContext context, CancellationToken cancellationToken)
    {
        TimeSpan timeout = context.Options.Timeout;
        PeerExchange exchange = await PeerExchange.CreateAsync(context, cancellationToken).ConfigureAwait(false);
        PeerSlice? slice = null;
        PeerCommunicator? communicator = null;
        PeerSelfTest? test = null;
        try
        {
            slice = await PeerArena.CreateSliceAsync(context.Device!, exchange, (nuint)context.Options.ArenaBytes, timeout, cancellationToken).ConfigureAwait(false);
            string? objection = null;
            (int blocks, PeerHardware hardware) = await AgreeOnDevicesAsync(context, exchange, timeout, cancellationToken).ConfigureAwait(false);
            try
            {
                communicator = new PeerCommunicator(Setup(context, blocks, hardware), slice, exchange, timeout);
                communicator.CompileFirst(s_first);
            }
            catch (Exception e) when (IsObjection(e))
            {
                objection = e.Message;
            }

            await exchange.BarrierAsync(timeout, cancellationToken).ConfigureAwait(false);
            try
            {
                if (objection is null)
                    communicator!.LoadFirst(s_first);
                test = objection is not null ? null : new PeerSelfTest(communicator!, context.Members.Length, context.RankInGroup, timeout);
            }
            catch (Exception e) when (IsObjection(e))
            {
                objection = e.Message;
            }

            // Nobody launches before all have loaded and allocated: both may wait for the device.
            byte[][] all = await exchange.AllGatherAsync(Encoding.UTF8.GetBytes(objection ?? ""), timeout, cancellationToken).ConfigureAwait(false);
            if (all.Any(text => text.Length > 0))
                return (null, objection ?? Others(exchange, all));
            try
            {
                objection = test!.Run(s_first);
            }
            catch (Exception e) when (IsObjection(e))
            {
                objection = e.Message;
            }

            // The memory of the test is not freed while another rank of this device is in it.
            await exchange.BarrierAsync(timeout, cancellationToken).ConfigureAwait(false);
            PeerCommunicator made = communicator!;
            if (objection is not null)
                return (null, objection);
            (communicator, slice) = (null, null);
            return (made, null);
        }
        finally
        {
            test?.Dispose();
            if (communicator is not null)
                communicator.Dispose();
            else if (slice is not null)
                await AbandonAsync(slice, exchange).ConfigureAwait(false);
        }
    }

    private static async Task AbandonAsync(PeerSlice slice, PeerExchange exchange)
    {
        slice.Quarantine();
        await slice.DisposeAsync().ConfigureAwait(false);
        exchange.Dispose();
    }

    /// <summary>What each device spares for a rank, the least of them: devices may differ, and ranks share some. And what joins them, which a rank sees as far as its process sees the devices.</summary>
    private static async Task<(int Blocks, PeerHardware Hardware)> AgreeOnDevicesAsync(NcclContext context, PeerExchange exchange, TimeSpan timeout, CancellationToken cancellationToken)
    {
        byte[] own = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{context.Device!.MultiprocessorCount} {PeerLinks.Look(context.Device, context.Members)}"));
        byte[][] all = await exchange.AllGatherAsync(own, timeout, cancellationToken).ConfigureAwait(false);
        string[][] parts = [.. all.Select(text => Encoding.UTF8.GetString(text).Split(' '))];
        int least = parts.Select((part, rank) => int.Parse(part[0], CultureInfo.InvariantCulture) / context.Members.Count(member => member.Device!.Uuid == context.Members[rank].Device!.Uuid)).Min();
        return (Math.Clamp(least, 1, PeerLaunch.MostBlocks), PeerHardware.Of(context.Members, PeerLinks.Combine([.. parts.Select(part => part[1])])));
    }

    private static PeerSetup Setup(NcclContext context, int blocks, PeerHardware hardware) => new()
    {
        Group = context.Options.Name,
        Members = context.Members,
        Rank = context.RankInGroup,
        Device = context.Device!,
        Host = context.Host!,
        Patience = context.Options.DeviceTimeout,
        MostBlocks = blocks,
        Hardware = hardware,
        Dependent = PeerPlan.MayDepend(context.Device!, context.Members),
        Logger = context.Logger,
    };

    private static string Others(PeerExchange exchange, byte[][] all) => string.Join("; ", all.Select((text, rank) => (rank, text)).Where(item => item.text.Length > 0).Select(item => $"{exchange.Describe(item.rank)}: {Encoding.UTF8.GetString(item.text)}"));

    private static bool IsObjection(Exception e) => e is CudaException or KernelCompilationException or NativeLibraryNotFoundException or CollectiveException or NotSupportedException;

    private static async Task<GroupVote> VoteAsync(NcclContext context, string? objection, CancellationToken cancellationToken)
    {
        try
        {
            int[] ranks = [.. context.Members.Select(member => member.Rank)];
            return await GroupVote.HoldAsync(context.Store, context.KeyPrefix, Capability, ranks, context.RankInGroup, objection, context.Options.Timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new GroupCreationException($"Group {context.Options.Name} can't be made: {context.Members[0]} did not say within {context.Options.Timeout.TotalSeconds:0.###} s how the vote on {Capability} ended; it has ended or hangs.");
        }
    }
}
