using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>Memory of every rank that all of them have mapped: the caller's bytes, and behind them, from <see cref="Capacity"/> on, a slot for the contributions of each other rank.</summary>
internal sealed class PeerRegistration
{
    private PeerRegistration(int id, PeerSlice slice, nuint bytes)
    {
        (Id, Slice, Capacity) = (id, slice, CapacityOf(bytes));
        SlotBytes = CopyEnginePlan.PartOf(Capacity, slice.Count);
        Base = slice.Own;
    }

    /// <summary>Counts the group's registrations: the same on every rank.</summary>
    internal int Id { get; }

    internal PeerSlice Slice { get; }

    /// <summary>The caller's bytes, rounded so that ranks whose lengths are taken for equal have the same slots.</summary>
    internal nuint Capacity { get; }

    internal nuint SlotBytes { get; }

    internal nint Base { get; }

    /// <summary>Collective.</summary>
    internal static async Task<PeerRegistration> CreateAsync(int id, CudaDevice device, IPeerExchange exchange, nuint bytes, TimeSpan timeout, CancellationToken cancellationToken)
    {
        nuint capacity = CapacityOf(bytes), whole = checked(capacity + ((nuint)(exchange.Count - 1) * CopyEnginePlan.PartOf(capacity, exchange.Count)));
        return new PeerRegistration(id, await PeerArena.CreateSliceAsync(device, exchange, whole, timeout, cancellationToken).ConfigureAwait(false), bytes);
    }

    /// <summary>Whether memory begins in the caller's bytes.</summary>
    internal bool Contains(nint pointer) => (nuint)(pointer - Base) < Capacity;

    /// <summary>Where the contributions of a rank go on another one, as this device sees it. The rank behind the owner comes first.</summary>
    internal nint Slot(int owner, int from) => Slots(owner) + (nint)((nuint)((from + Slice.Count - owner - 1) % Slice.Count) * SlotBytes);

    internal nint Slots(int owner) => Slice.Address(owner) + (nint)Capacity;

    private static nuint CapacityOf(nuint bytes) => checked((bytes + PeerArena.SliceUnit - 1) / PeerArena.SliceUnit * PeerArena.SliceUnit);
}
