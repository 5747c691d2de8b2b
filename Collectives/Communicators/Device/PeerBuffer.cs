using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>
/// Device memory of this rank that the whole group has mapped (<see cref="GroupCoordinator.AllocateRegisteredAsync"/>), for <see cref="Length"/> elements of <typeparamref name="T"/>. It is ordinary memory for kernels, copies
/// and every collective; an all-reduce into it, or in place, may take <see cref="AllReduceRoute.CopyEngine"/> or <see cref="AllReduceRoute.Registered"/>. Content is undefined until written, and once the group has a fault: peers' copies and results may still arrive then.
/// </summary>
/// <remarks>
/// Every rank disposes it, when its own work on it is over (graphs that hold such calls count as work until they are disposed); disposing returns when all ranks have, or after the group's timeout, when the memory goes to the
/// quarantine. Any thread.
/// </remarks>
public sealed class PeerBuffer<T> : IAsyncDisposable
    where T : unmanaged
{
    private readonly PeerCommunicator? _communicator;
    private readonly PeerRegistration? _registration;
    private readonly DeviceBuffer<T>? _alone;
    private readonly nint _pointer;
    private int _disposed;

    internal PeerBuffer(PeerCommunicator communicator, PeerRegistration registration, nuint length)
    {
        (_communicator, _registration, Device, Length, _pointer) = (communicator, registration, communicator.Device, length, registration.Base);
    }

    /// <summary>Of a group of one.</summary>
    internal PeerBuffer(DeviceBuffer<T> alone)
    {
        (_alone, Device, Length, _pointer) = (alone, alone.Device, alone.Length, alone.Pointer);
    }

    public CudaDevice Device { get; }

    /// <summary>In elements.</summary>
    public nuint Length { get; }

    /// <summary>CUdeviceptr, a multiple of 256. Throws <see cref="ObjectDisposedException"/> after DisposeAsync.</summary>
    public nint Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            return _pointer;
        }
    }

    /// <summary>The whole buffer. Throws <see cref="ObjectDisposedException"/> after DisposeAsync.</summary>
    public DeviceSpan<T> Span => new(Pointer, Length);

    /// <summary>What the ranks add to these bytes for the contributions of their peers, and roundings.</summary>
    public nuint BytesInAll => _registration?.Slice.Bytes ?? (Length * (nuint)Unsafe.SizeOf<T>());

    public static implicit operator DeviceSpan<T>(PeerBuffer<T> buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        return buffer.Span;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _alone?.Dispose();
        if (_registration is not null)
            await _communicator!.DeregisterAsync(_registration).ConfigureAwait(false);
    }
}
