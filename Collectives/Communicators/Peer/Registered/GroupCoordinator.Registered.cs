using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    /// <summary>
    /// Device memory that every rank of the group has mapped, so that all-reduces into it may take <see cref="AllReduceRoute.CopyEngine"/>, which leaves most multiprocessors free, or
    /// <see cref="AllReduceRoute.Registered"/>, one kernel whose results go straight there, where the group is told to or its table, built in or measured, says so. Only the
    /// output need lie there, on all ranks at the same offset of the same buffer; the input may be any memory, or the output itself. Collective: every rank calls it with an equal <paramref name="length"/>, in the order of its
    /// other calls, not while a stream of this thread is captured. A group's first call loads kernels, which may wait for the device: as with <see cref="Prepare"/>, not while kernels there wait for calls that this thread has yet to make. It waits on the host for all ranks, and allocates on every device the length and (n - 1) / n of it again, for contributions. Calls of a group of one need no
    /// such memory: it is plain there.
    /// </summary>
    /// <param name="length">In elements.</param>
    /// <param name="cancellationToken">Ends the wait; the group is aborted then, because its ranks are no longer in step.</param>
    /// <exception cref="NotSupportedException">The group has no peer memory; the message says why. On every rank alike.</exception>
    /// <exception cref="PeerMemoryException">The memory could not be allocated, mapped or proved on some rank; on every rank alike, and the group goes on.</exception>
    /// <exception cref="CollectiveException">A rank did not come, or was lost.</exception>
    public async Task<PeerBuffer<T>> AllocateRegisteredAsync<T>(nuint length, CancellationToken cancellationToken = default)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfZero(length);
        nuint bytes = checked(length * (nuint)Unsafe.SizeOf<T>());
        IDeviceCommunicator device = OnDevice(nameof(AllocateRegisteredAsync));
        if (device is SoloDeviceCommunicator)
            return new PeerBuffer<T>(device.Device.Allocate<T>(length));
        PeerCommunicator peer = (device as RoutedDeviceCommunicator)?.Peer ?? throw new NotSupportedException($"{nameof(AllocateRegisteredAsync)} on group {Name}: it has no peer memory. {PeerObjection}");
        HostFaultWatch watch = new(_host, cancellationToken);
        await using (watch.ConfigureAwait(false))
        {
            try
            {
                return new PeerBuffer<T>(peer, await peer.RegisterAsync(bytes, _options.Timeout, watch.Token).ConfigureAwait(false), length);
            }
            catch (OperationCanceledException) when (watch.Fault is { } fault)
            {
                throw fault;
            }
            catch (TimeoutException e)
            {
                Abort($"rank {Rank}: {nameof(AllocateRegisteredAsync)}: {e.Message}");
                throw new GroupAbortedException(e.Message, Name, nameof(AllocateRegisteredAsync), 0, Rank);
            }
            catch (Exception e) when (e is not (PeerMemoryException or CollectiveException or InvalidOperationException))
            {
                Abort($"rank {Rank} gave up {nameof(AllocateRegisteredAsync)}: {e.Message}");
                throw;
            }
        }
    }
}
