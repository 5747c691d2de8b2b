using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed partial class NcclCommunicator
{
    /// <summary>Collective over the members. Throws, with what NCCL says or who did not come by the deadline; the members vote afterwards.</summary>
    internal static async Task<NcclCommunicator> CreateAsync(NcclContext context, CancellationToken cancellationToken)
    {
        GroupOptions options = context.Options;
        GroupMember[] members = context.Members;
        NcclEnvironment.Prepare(members, options.HostId ?? NodeIdentity.Override, context.Logger);
        NcclSetup setup = new(options.Name, context.Device!, members[context.RankInGroup].Nccl!.Version, options.Nccl ?? new NcclOptions(), options.DeviceTimeout, context.Host, context.Logger);
        string idKey = $"{context.KeyPrefix}/nccl/id";
        byte[] id;
        if (context.RankInGroup == 0)
        {
            id = NewUniqueId(setup);
            await context.Store.SetAsync(idKey, id, cancellationToken).ConfigureAwait(false);
        }
        else
            id = await context.Store.GetAsync(idKey, options.Timeout, cancellationToken).ConfigureAwait(false);

        // Who has not said this by the deadline is the one that the others wait for.
        await context.Store.SetAsync(ArrivalKey(context.RankInGroup), Array.Empty<byte>(), cancellationToken).ConfigureAwait(false);
        NcclInitialization start = new(setup, id, context.RankInGroup, members.Length);
        try
        {
            nint communicator = await start.RunAsync(options.Timeout, cancellationToken).ConfigureAwait(false);
            return new NcclCommunicator(setup, communicator, context.RankInGroup, members.Length);
        }
        catch (TimeoutException)
        {
            List<GroupMember> missing = [];
            for (int rank = 0; rank < members.Length; rank++)
            {
                if (await context.Store.TryGetAsync(ArrivalKey(rank), cancellationToken).ConfigureAwait(false) is null)
                    missing.Add(members[rank]);
            }

            throw new GroupCreationException(missing.Count > 0
                ? $"{string.Join(", ", missing)} did not come to NCCL's initialisation within {options.Timeout.TotalSeconds:0.###} s"
                : $"all ranks came to NCCL's initialisation, and it did not end within {options.Timeout.TotalSeconds:0.###} s; NCCL_DEBUG=INFO shows where it waits");
        }

        string ArrivalKey(int rank) => $"{context.KeyPrefix}/nccl/init/{rank}";
    }

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
