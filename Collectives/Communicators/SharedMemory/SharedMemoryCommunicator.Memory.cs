using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using CollectivesSharp.Interop;
using Microsoft.Win32.SafeHandles;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    /// <summary>From this many bytes a part is read where it lies if all ranks map that memory: below, the phase at the end costs more than the copy.</summary>
    internal const int DirectBytes = 4 << 10;

    /// <summary>In place of a region's number, which begins with 1.</summary>
    private const long MustBeStaged = 0;
    private const long NobodyReads = -1;

    private readonly List<HostRegion> _regions = [];

    // The call in flight: where every rank can read a rank's input, and its output, which an owner of a part has reduced; 0: it is shown in staging areas.
    private readonly nint[] _inputs;
    private readonly nint[] _outputs;
    private bool _anyPlaced;
    private bool _allInputsPlaced;

    private long _allocations;

    /// <summary>
    /// Two phases. With the first the node's first rank offers the descriptor of a file, and the others have come with the same size. With the second each rank says what went wrong: every rank
    /// has the region, or none has.
    /// </summary>
    public SafeBuffer Allocate(nuint bytes, HostCallOptions options = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, (nuint)(long.MaxValue / 2 / _members.Length));
        Enter(new HostCall(CollectiveKind.AllocateHost, DataType.UInt8, default, 0, (long)bytes), options);
        HostRegion? region = null;
        SafeFileHandle? descriptor = null;
        DescriptorHandout? handout = null;
        string error = "", offer = "";
        try
        {
            try
            {
                if (_rank == 0)
                {
                    descriptor = new SafeFileHandle(SharedSegment.CreateSparse(HostRegion.TotalBytes(bytes, _members.Length)), ownsHandle: true);
                    handout = new DescriptorHandout(descriptor, "memory");
                    offer = $"{handout.SocketName} {handout.Nonce}";
                }
            }
            catch (Exception e)
            {
                error = Describe(e);
            }

            // What fails here, whatever it is, is told with the second phase: a rank that left before it would take its next call's phase for that one.
            ShowText(offer);
            FirstPhase();
            ForgetReleased();
            offer = ShownText(0);
            try
            {
                if (offer.Length > 0)
                {
                    descriptor ??= Receive(offer);
                    region = new HostRegion((int)descriptor.DangerousGetHandle(), _allocations + 1, bytes, _members.Length, _rank);
                }
            }
            catch (Exception e)
            {
                error = Describe(e);
            }

            ShowText(error);
            NextPhase();
            for (int rank = 0; rank < _members.Length; rank++)
            {
                if (ShownText(rank) is not { Length: > 0 } text)
                    continue;

                // If it was the death of a rank, that is named here.
                NextPhase();
                throw new IOException($"Group {_board.Group}: {bytes} bytes of host memory for each of {_members.Length} ranks: {_members[rank]}: {text}");
            }

            _regions.Add(region!);
            _allocations++;
            SafeBuffer own = region!.Own;
            region = null;
            return own;
        }
        finally
        {
            Leave();
            region?.Own.Dispose();
            region?.Dispose();
            handout?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            descriptor?.Dispose();
        }
    }

    private static string Describe(Exception e) => e is IOException ? e.Message : $"{e.GetType().Name}: {e.Message}";

    private SafeFileHandle Receive(string offer)
    {
        const int LookMilliseconds = 20;
        using CancellationTokenSource giveUp = new(_gate.TimeLeft());
        string[] parts = offer.Split(' ');
        Task<int> receiving = DescriptorHandout.ReceiveAsync(parts[0], parts[1], giveUp.Token);
        while (Task.WaitAny([receiving], LookMilliseconds) < 0)
        {
            // The next phase says why.
            if (_board.IsRaised || _gate.Cancellation.IsCancellationRequested)
                giveUp.Cancel();
        }

        try
        {
            return new SafeFileHandle(receiving.GetAwaiter().GetResult(), ownsHandle: true);
        }
        catch (OperationCanceledException)
        {
            throw new IOException("the node's first rank did not hand out its memory in time");
        }
    }

    /// <summary>Behind a call's first phase: no rank still reads for an earlier one.</summary>
    private void ForgetReleased()
    {
        for (int i = _regions.Count - 1; i >= 0; i--)
        {
            if (!_regions[i].IsReleased())
                continue;
            _regions[i].Dispose();
            _regions.RemoveAt(i);
        }
    }

    /// <summary>With the next phase's signal.</summary>
    private void ShowText(string text)
    {
        ShowInSignals();
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = Math.Min(bytes.Length, SegmentLayout.InlineBytes - sizeof(int));
        *(int*)Shown(_rank) = length;
        bytes.AsSpan(0, length).CopyTo(new Span<byte>(Shown(_rank) + sizeof(int), length));
    }

    private string ShownText(int rank) => Encoding.UTF8.GetString(Shown(rank) + sizeof(int), Math.Clamp(*(int*)Shown(rank), 0, SegmentLayout.InlineBytes - sizeof(int)));

    /// <summary>True on all ranks or on none: they have counted the same allocations. Which regions are left is each rank's own knowledge.</summary>
    private bool MayBeDirect(nuint bytes) => bytes >= DirectBytes && _allocations > 0;

    /// <summary>
    /// Tells the peers with the next phase where they can read this rank's buffers. A null <paramref name="input"/> is one that nobody reads; one that does not keep its content during the call has to be staged,
    /// like one that lies elsewhere: then it returns true.
    /// </summary>
    private bool ShowPlaces(byte* input, bool inputStays, byte* output)
    {
        long* shown = (long*)(Signal(_rank, _phase + 1) + SegmentLayout.PayloadInSignal);
        (shown[0], shown[1]) = input is null ? (NobodyReads, 0) : inputStays ? Place(input) : (MustBeStaged, 0);
        (shown[2], shown[3]) = Place(output);
        return shown[0] == MustBeStaged;
    }

    private (long Region, long Offset) Place(byte* address)
    {
        foreach (HostRegion region in _regions)
        {
            if (region.OffsetOf(address) is >= 0 and long offset)
                return (region.Id, offset);
        }

        return (MustBeStaged, 0);
    }

    /// <summary>
    /// Behind the phase, and before the next one: what all ranks have told. A rank writes into its input behind the phase that ends the call (<see cref="LeavePlaces"/>), or where the result takes its place: there
    /// nobody else reads it by then, which the plans say.
    /// </summary>
    private void TakePlaces()
    {
        (_anyPlaced, _allInputsPlaced) = (false, true);
        for (int rank = 0; rank < _members.Length; rank++)
        {
            long* shown = (long*)(Signal(rank, _phase) + SegmentLayout.PayloadInSignal);
            _inputs[rank] = AddressOf(rank, shown[0], shown[1]);
            _outputs[rank] = AddressOf(rank, shown[2], shown[3]);
            _anyPlaced |= _inputs[rank] != 0 || _outputs[rank] != 0;
            _allInputsPlaced &= shown[0] != MustBeStaged;
        }
    }

    private nint AddressOf(int rank, long id, long offset)
    {
        if (id <= 0)
            return 0;
        foreach (HostRegion region in _regions)
        {
            if (region.Id == id)
                return (nint)(region.Part(rank) + offset);
        }

        throw new UnreachableException($"rank {rank} named region {id}, which this rank has not");
    }

    /// <summary>
    /// The end of a call that had places: all have read what they need, so that the callers may write there again. So may a peer's caller whose call has ended otherwise, by a deadline say: that peer had published
    /// this phase before, and its fault is all that tells that what was read here may be something else. It raises the fault before it returns, hence before anything else is written.
    /// </summary>
    private void LeavePlaces()
    {
        if (_anyPlaced)
        {
            Interlocked.MemoryBarrier();
            if (_board.IsRaised)
                throw _gate.CreateFault();
            NextPhase();
        }

        Array.Clear(_inputs);
        Array.Clear(_outputs);
    }
}
