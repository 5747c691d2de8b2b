using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed unsafe partial class NcclCommunicator
{
    private const int AbortParent = 1;

    /// <summary>
    /// Makes communicators of the ranks with equal colours, ordered by <paramref name="key"/>, then by rank here. Collective over this communicator, none of whose work may be captured meanwhile. A child is disposed on its own.
    /// </summary>
    /// <param name="color">0 or more; null: this rank goes into none, and null is returned.</param>
    /// <param name="key">Where in the order.</param>
    public NcclCommunicator? Split(int? color, int key = 0)
    {
        if (color is < 0)
            throw new ArgumentOutOfRangeException(nameof(color), color, "A colour is 0 or more, or null for a rank that goes into no new communicator.");
        NcclSetup setup = _setup.ForChild($"{_setup.Group}/{color}");
        NcclCommunicator? made = null;
        try
        {
            ncclConfig_t config = setup.Config();
            setup.Allocate();
            nint child = 0;
            nint communicator = Enter(nameof(Split), out CudaContextScope scope);
            ncclResult_t result = NcclNative.ncclCommSplit(communicator, color ?? NcclNative.NCCL_SPLIT_NOCOLOR, key, &child, &config);
            Leave(result, communicator, scope);
            return made = child == 0 ? null : Adopt(setup, child);
        }
        finally
        {
            if (made is null)
                setup.Release();
        }
    }

    /// <summary>
    /// Makes a communicator of all ranks but some; exactly those that stay call it. NCCL 2.27.3 or newer.
    /// </summary>
    /// <param name="excluded">Ranks here.</param>
    /// <param name="abortParent">
    /// Ends this communicator's outstanding work first; it can only be disposed then. For a caller who knows before the SDK that a rank is no use: once the group is faulted, its communicator
    /// has ended and this throws the fault; <see cref="GroupCoordinator.NewGroupAsync"/> makes a group of the ranks that live.
    /// </param>
    public NcclCommunicator Shrink(ReadOnlySpan<int> excluded, bool abortParent = false)
    {
        const string Function = nameof(NcclNative.ncclCommShrink);
        if (!NcclFeatures.Has(Function))
            throw new NotSupportedException($"{Function}: {Name} is at hand, {NcclFeatures.Since[Function]} or newer is needed; COLLECTIVES_NCCL_PATH names another file.");
        foreach (int rank in excluded)
            HostArguments.CheckRoot(rank, WorldSize);
        if (excluded.Contains(Rank))
            throw new ArgumentException($"Rank {Rank} shrinks a communicator without itself; only ranks that stay call.", nameof(excluded));
        NcclSetup setup = _setup.ForChild($"{_setup.Group} without {excluded.Length}");
        NcclCommunicator? made = null;
        try
        {
            ncclConfig_t config = setup.Config();
            setup.Allocate();
            nint child = 0;
            nint communicator = Enter(nameof(Shrink), out CudaContextScope scope);
            ncclResult_t result;
            fixed (int* first = excluded)
                result = NcclNative.ncclCommShrink(communicator, first, excluded.Length, &child, &config, abortParent ? AbortParent : 0);
            Leave(result, communicator, scope);
            return made = Adopt(setup, child);
        }
        finally
        {
            if (made is null)
                setup.Release();
        }
    }

    private static NcclCommunicator Adopt(NcclSetup setup, nint communicator)
    {
        int rank, count;
        _ = NcclNative.ncclCommUserRank(communicator, &rank);
        _ = NcclNative.ncclCommCount(communicator, &count);
        return new NcclCommunicator(setup, communicator, rank, count);
    }
}
