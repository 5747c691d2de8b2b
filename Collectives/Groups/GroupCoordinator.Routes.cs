using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    /// <summary>The group's NCCL, for what only it does (children, its native handle); null where it has none. It stays the group's.</summary>
    public NcclCommunicator? Nccl => _device as NcclCommunicator ?? (_device as RoutedDeviceCommunicator)?.Nccl;

    /// <summary>
    /// The way that such an all-reduce of device memory takes, why, and why each other one lost: the same on every rank. <see cref="AllReduceRoute.None"/>: it would throw. A group of one copies, on no route. Allocates; the
    /// call itself does not.
    /// </summary>
    public AllReduceChoice Route(in AllReduceRequest request)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _device switch
        {
            RoutedDeviceCommunicator routed => routed.Route(request),
            NcclCommunicator => AllReduceRouter.Explain(request, new AllReduceFacts(WorldSize, null, PeerObjection ?? "there is no peer memory", 0, null)),
            SoloDeviceCommunicator => new(AllReduceRoute.None, "a group of one copies"),
            _ => new(AllReduceRoute.None, DeviceObjection ?? "no device"),
        };
    }

    /// <summary>Why the group has no kernels of its own over peer memory; null if it has them, or is alone.</summary>
    public string? PeerObjection { get; }

    /// <summary>
    /// Makes ready what all-reduces of these types and operations need, as far as our kernels do them, so that they can be captured and none of them waits for its peers on the host at its first call. Collective: every rank
    /// calls it with the same lists, not while a stream of this thread is captured, and while no other group's work that other ranks have yet to enqueue runs on the device. Nothing to do for NCCL. May take seconds
    /// the first time on a machine: kernels are compiled then. Sums of float32, float16 and bfloat16 are ready from the start. All routes of our own of a type and operation become ready at once, so that it holds for every size,
    /// eager and captured, whatever table the group goes by; buffers need no preparation. What is prepared stays so as long as the group lives; a second call is free.
    /// </summary>
    /// <exception cref="NotSupportedException">A kernel could not be loaded, on some rank; on all ranks alike.</exception>
    /// <exception cref="CollectiveException">The group is faulted, or a rank did not come.</exception>
    public void Prepare(ReadOnlySpan<DataType> types, ReadOnlySpan<ReduceOp> ops)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        (_device as RoutedDeviceCommunicator)?.Peer.Prepare(types, ops);
    }
}
