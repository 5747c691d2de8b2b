using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

public sealed partial class PeerCommunicator
{
    /// <summary>Replaced as a whole: calls look at it without a lock.</summary>
    private volatile PeerRegistration[] _registrations = [];
    private int _registered;
    private CopyEngineLane? _lane;

    /// <summary>Collective, as <see cref="GroupCoordinator.AllocateRegisteredAsync"/> says.</summary>
    internal async Task<PeerRegistration> RegisterAsync(nuint bytes, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Enter(_call);
        try
        {
            if (!_kernels.HasRegistered)
                await LoadRegisteredAsync(timeout, cancellationToken).ConfigureAwait(false);
            PeerRegistration registration = await PeerRegistration.CreateAsync(++_registered, Device, _exchange, bytes, timeout, cancellationToken).ConfigureAwait(false);
            try
            {
                await AgreeAsync("streams for copy engines", MakeLane(), timeout, cancellationToken).ConfigureAwait(false);
            }
            catch (PeerMemoryException)
            {
                await registration.Slice.DisposeAsync().ConfigureAwait(false);
                throw;
            }
            catch
            {
                // The other ranks are not in step: they may have mapped it for good.
                registration.Slice.Quarantine();
                throw;
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
            // Its mappings stay: copies of this rank, or stores of its kernels, may be under way to its peers.
            registration.Slice.Quarantine();
            _setup.Logger.LogWarning("Group {Group}: registered buffer {Id} was disposed while calls of this rank run; its memory stays mapped.", _setup.Group, registration.Id);
            return;
        }

        await registration.Slice.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Whether the message lies in registered memory. What only begins there is an error.</summary>
    internal bool IsRegistered(nint pointer, nuint bytes) => Find(pointer, bytes) is not null;

    /// <summary>By one kernel: results go straight to the outputs. What each wait is for, and why that is enough, is said in all_reduce_registered.cu.</summary>
    private unsafe void AllReduceIntoRegistered(RegisteredKernelSet? kernels, in HostCall call, nint input, nint output, nint stream)
    {
        PeerRegistration registration = RegistrationOf(AllReduceRoute.Registered, call, output, (nuint)call.Count * (nuint)call.Type.SizeInBytes());
        nuint offset = (nuint)(output - registration.Base), part = PeerLaunch.Part(PeerLaunch.Cells((nuint)call.Count, call.Type), WorldSize);
        RegisteredArguments arguments = new() { View = _view, Input = input, Claim = PeerClaim.Of(call, registration.Id, offset) };
        for (int rank = 0; rank < WorldSize; rank++)
            arguments.Outputs[rank] = (nuint)registration.Slice.Address(rank) + offset;
        Launch(kernels!.Registered, PeerLaunch.ForWindow(PeerLaunch.RegisteredRings, part, WorldSize, _setup.MostBlocks, HalfBytes), stream, in arguments);
    }

    /// <summary>Where there is one, the kernels have been loaded.</summary>
    private PeerRegistration RegistrationOf(AllReduceRoute route, in HostCall call, nint output, nuint bytes) =>
        Find(output, bytes) ?? throw new NotSupportedException($"{call} by {route}: the output is not in memory of {nameof(GroupCoordinator.AllocateRegisteredAsync)}.");

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

    /// <summary>Where ranks share a GPU, copy engines are not offered, and streams are scarce.</summary>
    private string? MakeLane() => PeerPlan.FindCopyEngineObjection(_setup.Members) is not null ? null : Try(() => _lane ??= new CopyEngineLane(Device));

    /// <summary>Collective; the steps of <see cref="Prepare"/>, for the same reasons: an agreement before the kernels are loaded, and one before any of them may run.</summary>
    private async Task LoadRegisteredAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        const string What = "kernels for registered memory";
        IReadOnlyList<(DataType Type, ReduceOp Op)> wanted = _kernels.Allowed;
        await AgreeAsync(What, Try(() => _kernels.Compile(wanted, _setup.Rank, WorldSize, registered: true)), timeout, cancellationToken).ConfigureAwait(false);
        await AgreeAsync(What, Try(() =>
        {
            foreach ((DataType type, ReduceOp op) in wanted)
                _kernels.Load(type, op, registered: true);
        }), timeout, cancellationToken).ConfigureAwait(false);
        _kernels.AllowRegistered();
    }

    /// <summary>Every rank has come, and none objects; otherwise it throws on all of them.</summary>
    private async Task AgreeAsync(string what, string? objection, TimeSpan timeout, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<int, string> objections = await _exchange.VoteAsync(what, objection, timeout, cancellationToken).ConfigureAwait(false);
        if (objections.Count > 0)
            throw new PeerMemoryException($"Group {_setup.Group}: no {what}: {string.Join("; ", objections.Select(item => $"{_exchange.Describe(item.Key)}: {item.Value}"))}.");
    }

    private static string? Try(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception e) when (e is CudaException or KernelCompilationException or NativeLibraryNotFoundException)
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

    private void DisposeLane() => _lane?.Dispose();
}
