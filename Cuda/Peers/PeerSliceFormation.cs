using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace CollectivesSharp.Cuda;

/// <summary>
/// How the ranks of a slice come to it. All of them go through the same steps whatever fails: an error of one rank travels as an objection, and what decides is known to all. Only a rank that does not come, a
/// cancellation or the loss of the meeting point ends it halfway.
/// </summary>
internal sealed class PeerSliceFormation(CudaDevice device, IPeerExchange exchange, nuint bytes, TimeSpan timeout, CancellationToken cancellationToken)
{
    private const string WayVariable = "COLLECTIVES_PEER_MEMORY";

    private readonly PeerDeadline _deadline = new(timeout, cancellationToken);
    private string[] _devices = [];
    private bool _isDrained = true;

    /// <summary>On all ranks or on none.</summary>
    private bool HasForeigners => Enumerable.Range(0, exchange.Count).Any(IsForeign);

    internal async Task<PeerSlice> FormAsync()
    {
        await AgreeAsync().ConfigureAwait(false);
        List<string> refused = [];
        foreach (PeerWay way in (PeerWay[])[PeerWay.Virtual, PeerWay.Plain])
        {
            PeerSlice slice = new(device, exchange, bytes, timeout);
            try
            {
                string? objections = await MapAsync(slice, way).ConfigureAwait(false);
                string? failures = objections is not null ? null : await PoisonAsync(slice).ConfigureAwait(false) ?? await TestAsync(slice).ConfigureAwait(false);
                if (objections is null && failures is null)
                    return slice;
                await slice.CloseAsync(_deadline.Left, cancellationToken).ConfigureAwait(false);
                if (failures is not null)
                    throw new PeerMemoryException($"Group {exchange.Group} has no peer memory: {failures}.");
                refused.Add($"{(way == PeerWay.Virtual ? "Virtual memory shared by descriptors" : "CUDA IPC")}: {objections}");
            }
            catch
            {
                slice.Abandon(_isDrained);
                throw;
            }
        }

        throw new PeerMemoryException($"Group {exchange.Group} has no peer memory. {string.Join(". ", refused)}.");
    }

    private bool IsForeign(int rank) => exchange.ProcessOf(rank) != exchange.ProcessOf(exchange.Rank);

    private string Describe(int rank) => $"{exchange.Describe(rank)} on {_devices[rank]}";

    private async Task AgreeAsync()
    {
        PeerHello own = new() { Version = PeerHello.CurrentVersion, Bytes = bytes, Device = $"GPU {device}" };
        byte[][] all = await exchange.AllGatherAsync(JsonSerializer.SerializeToUtf8Bytes(own, PeerJson.Default.PeerHello), _deadline.Left, cancellationToken).ConfigureAwait(false);
        PeerHello[] hellos = [.. all.Select(text => JsonSerializer.Deserialize(text, PeerJson.Default.PeerHello)!)];
        _devices = [.. hellos.Select(hello => hello.Device)];
        if (hellos.Any(hello => hello.Version != own.Version || hello.Bytes != own.Bytes))
            throw new PeerMemoryException($"Group {exchange.Group} has no peer memory: its ranks don't ask for the same: {string.Join("; ", hellos.Select((hello, rank) => $"{Describe(rank)}: {hello.Bytes} bytes, protocol {hello.Version}"))}.");
    }

    /// <summary>Allocates and maps. Null, or what the ranks have against this way.</summary>
    private async Task<string?> MapAsync(PeerSlice slice, PeerWay way)
    {
        SafeFileHandle? descriptor = null;
        try
        {
            PeerOffer own = MakeOffer(slice, way, ref descriptor);
            byte[][] all = await exchange.AllGatherAsync(JsonSerializer.SerializeToUtf8Bytes(own, PeerJson.Default.PeerOffer), _deadline.Left, cancellationToken).ConfigureAwait(false);
            PeerOffer[] offers = [.. all.Select(text => JsonSerializer.Deserialize(text, PeerJson.Default.PeerOffer)!)];
            if (offers.Any(offer => offer.Objection is not null))
                return Combine(offers.Select((offer, rank) => (rank, offer.Objection)));
            string? objection = null;
            SafeFileHandle?[] descriptors = new SafeFileHandle?[exchange.Count];
            if (way == PeerWay.Virtual && HasForeigners)
            {
                try
                {
                    descriptors = await exchange.ExchangeDescriptorsAsync(descriptor, [.. Enumerable.Range(0, exchange.Count).Where(IsForeign)], _deadline.Left, cancellationToken).ConfigureAwait(false);
                }
                catch (IOException e)
                {
                    objection = e.Message;
                }
            }

            objection ??= Map(slice, way, offers, descriptors);
            foreach (SafeFileHandle? received in descriptors)
                received?.Dispose();
            return await VoteAsync($"mapping peer memory, {way}", objection).ConfigureAwait(false);
        }
        finally
        {
            descriptor?.Dispose();
        }
    }

    private PeerOffer MakeOffer(PeerSlice slice, PeerWay way, ref SafeFileHandle? descriptor)
    {
        string wanted = way == PeerWay.Virtual ? "vmm" : "ipc";
        if (Environment.GetEnvironmentVariable(WayVariable) is { Length: > 0 } asked && asked != wanted)
            return new PeerOffer { Objection = asked is "vmm" or "ipc" ? $"{WayVariable}={asked} leaves it out" : $"{WayVariable}={asked}: vmm or ipc was expected" };
        try
        {
            PeerLease lease = DeviceArena.Of(device).Take(bytes, way, HasForeigners);
            slice.SetOwn(lease);
            if (way == PeerWay.Virtual && HasForeigners)
                descriptor = lease.Block.Export();
            return new PeerOffer
            {
                Block = lease.Block.Id,
                BlockBytes = lease.Block.Bytes,
                Offset = lease.Offset,
                IpcHandle = way == PeerWay.Plain && HasForeigners ? lease.Block.IpcHandle() : null,
            };
        }
        catch (CudaException e)
        {
            return new PeerOffer { Objection = e.Message };
        }
    }

    private string? Map(PeerSlice slice, PeerWay way, PeerOffer[] offers, SafeFileHandle?[] descriptors)
    {
        for (int rank = 0; rank < exchange.Count; rank++)
        {
            if (rank == exchange.Rank)
                continue;
            PeerOffer offer = offers[rank];
            try
            {
                if (!IsForeign(rank))
                {
                    PeerBlock block = PeerBlock.Find(offer.Block);
                    DeviceArena.Of(block.Device).Grant(block, device);
                    slice.SetPeer(rank, PeerMapping.SameProcess, block.Address + (nint)offer.Offset, null);
                    continue;
                }

                PeerImport import = way == PeerWay.Virtual
                    ? PeerImport.Acquire(exchange.ProcessOf(rank), offer.Block, (nuint)offer.BlockBytes, descriptors[rank]!, device)
                    : PeerImport.Acquire(exchange.ProcessOf(rank), offer.Block, offer.IpcHandle, device);
                slice.SetPeer(rank, way == PeerWay.Virtual ? PeerMapping.Descriptor : PeerMapping.Ipc, import.Address + (nint)offer.Offset, import);
            }
            catch (CudaException e)
            {
                return $"the memory of {Describe(rank)} can't be mapped: {e.Message}";
            }
        }

        return null;
    }

    /// <summary>Before any peer writes into the slice. Null, or what went wrong on which rank, as of the test.</summary>
    private async Task<string?> PoisonAsync(PeerSlice slice) =>
        await VoteAsync("filling peer memory", await TryOnDeviceAsync(() => new PeerCopyTest(slice).Poison(all: true)).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task<string?> TestAsync(PeerSlice slice)
    {
        PeerCopyTest test = new(slice);
        byte[] nonce = PeerCopyTest.NewNonce();
        string? objection = await TryOnDeviceAsync(() => test.Write(nonce)).ConfigureAwait(false);

        // Whoever has told its nonce has drained its copies: when all have, no more come.
        byte[][] nonces = await exchange.AllGatherAsync(nonce, _deadline.Left, cancellationToken).ConfigureAwait(false);
        string? wrong = null;
        objection ??= await TryOnDeviceAsync(() =>
        {
            wrong = test.Verify(nonces, Describe);
            test.Poison(all: false);
        }).ConfigureAwait(false);
        return await VoteAsync("testing peer memory", objection ?? wrong).ConfigureAwait(false);
    }

    /// <summary>Null, or what went wrong. Returns when the device has done with it.</summary>
    private async Task<string?> TryOnDeviceAsync(Action enqueue)
    {
        string? error = null;
        _isDrained = false;
        try
        {
            enqueue();
        }
        catch (CudaException e)
        {
            error = e.Message;
        }

        try
        {
            await DeviceCopies.WaitAsync(device, _deadline).ConfigureAwait(false);
        }
        catch (CudaException e)
        {
            error ??= e.Message;
        }

        _isDrained = true;
        return error;
    }

    private async Task<string?> VoteAsync(string subject, string? objection)
    {
        IReadOnlyDictionary<int, string> objections = await exchange.VoteAsync(subject, objection, _deadline.Left, cancellationToken).ConfigureAwait(false);
        return objections.Count == 0 ? null : Combine(objections.Select(item => (item.Key, (string?)item.Value)));
    }

    private string Combine(IEnumerable<(int Rank, string? Objection)> objections) => string.Join("; ", objections.Where(item => item.Objection is not null)
        .GroupBy(item => item.Objection!, item => exchange.Describe(item.Rank), StringComparer.Ordinal)
        .Select(ranks => $"{string.Join(", ", ranks)}: {ranks.Key}"));
}
