using System.Runtime.InteropServices;
using System.Text;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed partial class NcclCommunicator
{
    private static readonly TimeSpan s_slice = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Collective over the members. Throws, with what NCCL says or who did not come by the deadline; the members vote afterwards. A rank that can't go on says so, and the others don't wait for it.
    /// </summary>
    internal static async Task<NcclCommunicator> CreateAsync(NcclContext context, CancellationToken cancellationToken)
    {
        GroupOptions options = context.Options;
        NcclEnvironment.Prepare(context.Members, options.HostId ?? NodeIdentity.Override, context.Logger);
        NcclAdvice.Log(context);
        NcclSetup setup = new(options.Name, context.Device!, context.Members[context.RankInGroup].Nccl!.Version, options.Nccl ?? new NcclOptions(), options.DeviceTimeout, context.Host, context.Logger);
        NcclInitialization? start = null;
        try
        {
            byte[] id = await ExchangeIdAsync(context, setup, cancellationToken).ConfigureAwait(false);
            setup.Allocate();

            // Who has not said this by the deadline is the one that the others wait for.
            await context.Store.SetAsync(ArrivalKey(context, context.RankInGroup), Array.Empty<byte>(), cancellationToken).ConfigureAwait(false);
            start = new NcclInitialization(setup, id, context.RankInGroup, context.Members.Length);
            nint communicator = await InitializeAsync(context, start, cancellationToken).ConfigureAwait(false);
            return new NcclCommunicator(setup, communicator, context.RankInGroup, context.Members.Length);
        }
        catch (Exception e) when (e is not (OperationCanceledException or StoreException))
        {
            byte[] who = Encoding.UTF8.GetBytes(context.Members[context.RankInGroup].ToString());
            await context.Store.CompareSetAsync(FailureKey(context), null, who, cancellationToken).ConfigureAwait(false);
            throw;
        }
        finally
        {
            // Once begun, the initialisation knows when NCCL has done with it.
            if (start is null)
                setup.Release();
        }
    }

    /// <summary>An empty id: the first rank could not make one.</summary>
    private static async Task<byte[]> ExchangeIdAsync(NcclContext context, NcclSetup setup, CancellationToken cancellationToken)
    {
        string key = $"{context.KeyPrefix}/nccl/id";
        byte[] id = [];
        if (context.RankInGroup == 0)
        {
            try
            {
                _ = setup.Config();
                id = NewUniqueId(setup);
            }
            finally
            {
                await context.Store.SetAsync(key, id, cancellationToken).ConfigureAwait(false);
            }
        }
        else
        {
            _ = setup.Config();
            id = await context.Store.GetAsync(key, context.Options.Timeout, cancellationToken).ConfigureAwait(false);
        }

        return id.Length > 0 ? id : throw new GroupCreationException($"{context.Members[0]} could not begin NCCL's initialisation");
    }

    private static async Task<nint> InitializeAsync(NcclContext context, NcclInitialization start, CancellationToken cancellationToken)
    {
        TimeSpan timeout = context.Options.Timeout;
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<nint> running = start.RunAsync(timeout, ended.Token);
        Task<string> failure = FailureOfAnyAsync(context, ended.Token);
        try
        {
            if (await Task.WhenAny(running, failure).ConfigureAwait(false) == failure && failure.IsCompletedSuccessfully)
            {
                await ended.CancelAsync().ConfigureAwait(false);
                await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw new GroupCreationException($"NCCL's initialisation was ended because {await failure.ConfigureAwait(false)} could not go on");
            }

            return await running.ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            List<GroupMember> missing = [];
            for (int rank = 0; rank < context.Members.Length; rank++)
            {
                if (await context.Store.TryGetAsync(ArrivalKey(context, rank), cancellationToken).ConfigureAwait(false) is null)
                    missing.Add(context.Members[rank]);
            }

            throw new GroupCreationException(missing.Count > 0
                ? $"{string.Join(", ", missing)} did not come to NCCL's initialisation within {timeout.TotalSeconds:0.###} s"
                : $"all ranks came to NCCL's initialisation, and it did not end within {timeout.TotalSeconds:0.###} s; NCCL_DEBUG=INFO shows where it waits");
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await ((Task)failure).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The rank that could not go on, once there is one. In slices, so that no request outlives the creation by much.</summary>
    private static async Task<string> FailureOfAnyAsync(NcclContext context, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return Encoding.UTF8.GetString(await context.Store.GetAsync(FailureKey(context), s_slice, cancellationToken).ConfigureAwait(false));
            }
            catch (TimeoutException)
            {
                // None so far.
            }
        }
    }

    private static string ArrivalKey(NcclContext context, int rank) => $"{context.KeyPrefix}/nccl/init/{rank}";

    private static string FailureKey(NcclContext context) => $"{context.KeyPrefix}/nccl/failed";

    private static unsafe byte[] NewUniqueId(NcclSetup setup)
    {
        ncclUniqueId id;
        CudaContextScope scope = setup.Device.MakeCurrent();
        ncclResult_t result = NcclNative.ncclGetUniqueId(&id);
        scope.Dispose();
        return result == ncclResult_t.ncclSuccess
            ? MemoryMarshal.AsBytes(new ReadOnlySpan<ncclUniqueId>(in id)).ToArray()
            : throw new NcclException($"Group {setup.Group}: ncclGetUniqueId: {NcclLibrary.Describe(result)}", setup.Group, "", 0, result);
    }
}
