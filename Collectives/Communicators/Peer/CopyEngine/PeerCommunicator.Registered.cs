using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

public sealed partial class PeerCommunicator
{
    /// <summary>Replaced as a whole: calls look at it without a lock.</summary>
    private volatile PeerRegistration[] _registrations = [];
    private int _registered;
    private CopyEngineLane? _eager;
    private CopyEngineLane? _captured;

    /// <summary>Collective, as <see cref="GroupCoordinator.AllocateRegisteredAsync"/> says.</summary>
    internal async Task<PeerRegistration> RegisterAsync(nuint bytes, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Enter(_call);
        try
        {
            PeerRegistration registration = await PeerRegistration.CreateAsync(++_registered, Device, _exchange, bytes, timeout, cancellationToken).ConfigureAwait(false);
            string? objection = MakeLanes();
            IReadOnlyDictionary<int, string> objections = await _exchange.VoteAsync("streams for copy engines", objection, timeout, cancellationToken).ConfigureAwait(false);
            if (objections.Count > 0)
            {
                await registration.Slice.DisposeAsync().ConfigureAwait(false);
                throw new PeerMemoryException($"Group {_setup.Group}: no streams for copy engines: {string.Join("; ", objections.Select(item => $"{_exchange.Describe(item.Key)}: {item.Value}"))}.");
            }

            lock (_lifeLock)
                _registrations = [.. _registrations, registration];
            return registration;
        }
        finally
        {
            Volatile.Write(ref _calling, 0);
        }
    }

    /// <summary>The caller's work on it is over, here; returns when it is on all ranks.</summary>
    internal async ValueTask DeregisterAsync(PeerRegistration registration)
    {
        lock (_lifeLock)
            _registrations = [.. _registrations.Where(other => other != registration)];
        if (!IsDrainedNow())
        {
            // Its mappings stay: copies of this rank may be under way to its peers.
            registration.Slice.Quarantine();
            _setup.Logger.LogWarning("Group {Group}: registered buffer {Id} was disposed while calls of this rank run; its memory stays mapped.", _setup.Group, registration.Id);
            return;
        }

        await registration.Slice.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Whether the message lies in registered memory. What only begins there is an error.</summary>
    internal bool IsRegistered(nint pointer, nuint bytes) => Find(pointer, bytes) is not null;

    private PeerRegistration? Find(nint pointer, nuint bytes)
    {
        foreach (PeerRegistration registration in _registrations)
        {
            if (!registration.Contains(pointer))
                continue;
            nuint offset = (nuint)(pointer - registration.Base);
            return bytes <= registration.Capacity - offset ? registration
                : throw new ArgumentException($"{bytes} bytes from byte {offset} on of registered buffer {registration.Id} of group {_setup.Group}, which has {registration.Capacity}: they end outside of it.");
        }

        return null;
    }

    private string? MakeLanes()
    {
        try
        {
            _eager ??= new CopyEngineLane(Device);
            _captured ??= new CopyEngineLane(Device);
            return null;
        }
        catch (CudaException e)
        {
            return e.Message;
        }
    }

    /// <summary>The group is over: its registered memory is nobody's until all ranks have left.</summary>
    private void QuarantineRegistered()
    {
        foreach (PeerRegistration registration in _registrations)
            registration.Slice.Quarantine();
    }

    /// <summary>What their owners have not disposed. Quarantined: it waits for nobody.</summary>
    private void CloseRegistered()
    {
        foreach (PeerRegistration registration in _registrations)
            registration.Slice.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private void DisposeLanes()
    {
        _eager?.Dispose();
        _captured?.Dispose();
    }
}
