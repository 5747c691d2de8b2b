using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Collectives by our kernels on one rank, enqueued together and then compared with what the host's own fold of all inputs gives: bit by bit, of NaNs that were reduced that they are NaNs.</summary>
internal sealed unsafe class PeerCalls<T> : IPeerCalls
    where T : unmanaged
{
    /// <summary>In front of and behind every buffer, which nobody may write: bytes.</summary>
    private const int Margin = 32;
    private const byte Untouched = 0xA5;

    private readonly Element<T> _element = Elements.Of<T>();
    private readonly HostReduction _reduction = new();
    private readonly DeviceRank _rank;
    private readonly IReadOnlyList<PeerCall> _calls;
    private readonly int[] _starts;
    private readonly DeviceSpan<byte> _memory;
    private readonly DeviceBuffer<byte>? _owned;
    private readonly byte[] _content;

    /// <param name="rank">This one.</param>
    /// <param name="calls">Equal on all ranks.</param>
    /// <param name="memory">For inputs and outputs, see <see cref="BytesOf"/>; null: of its own.</param>
    internal PeerCalls(DeviceRank rank, IReadOnlyList<PeerCall> calls, DeviceSpan<byte>? memory = null)
    {
        (_rank, _calls) = (rank, calls);
        _starts = new int[calls.Count + 1];
        for (int i = 0; i < calls.Count; i++)
            _starts[i + 1] = _starts[i] + (2 * Stride(calls[i]));
        _owned = memory is null ? rank.Device.Allocate<byte>((nuint)_starts[^1]) : null;
        _memory = (memory ?? _owned!.Span).Slice(0, (nuint)_starts[^1]);
        _content = new byte[_starts[^1]];
    }

    public int Count => _calls.Count;

    public nuint Bytes => _memory.Length;

    internal static nuint BytesOf(IEnumerable<PeerCall> calls) => calls.Aggregate((nuint)0, (sum, call) => sum + (2 * (nuint)Stride(call)));

    /// <summary>Of so many elements of the inputs of all ranks, in rank order.</summary>
    internal static T[] Fold(HostReduction reduction, ReduceOp op, T[][] inputs, int begin, int count)
    {
        T[] result = new T[count];
        List<GCHandle> pinned = [.. inputs.Append(result).Select(array => GCHandle.Alloc(array, GCHandleType.Pinned))];
        nint[] sources = [.. pinned.Select(handle => handle.AddrOfPinnedObject())];
        for (int rank = 0; rank < inputs.Length; rank++)
            sources[rank] += begin * sizeof(T);
        reduction.Reduce(DataTypeExtensions.Of<T>(), op, sources.AsSpan(0, inputs.Length), sources[^1], (nuint)count);
        pinned.ForEach(handle => handle.Free());
        return result;
    }

    public void Load(int round)
    {
        Array.Fill(_content, Untouched);
        for (int i = 0; i < _calls.Count; i++)
            Inputs(i, _rank.Rank, round).CopyTo(MemoryMarshal.Cast<byte, T>(_content.AsSpan(InputOffset(i))));
        _memory.CopyFrom<byte>(_rank.Device, _content);
    }

    public void Enqueue(int call, nint stream)
    {
        PeerCall of = _calls[call];
        PeerCommunicator peer = PeerGroup.PeerOf(_rank.Group);
        nint input = _memory.Pointer + InputOffset(call), output = _memory.Pointer + OutputOffset(call);
        nuint count = (nuint)of.Count, part = (nuint)Part(of);
        DataType type = DataTypeExtensions.Of<T>();
        switch (of.Collective)
        {
            case CollectiveKind.AllReduce when of.Route == AllReduceRoute.None: _rank.Group.AllReduce(input, output, count, type, of.Op, stream); break;
            case CollectiveKind.AllReduce: peer.AllReduce(of.Route, input, output, count, type, of.Op, stream); break;
            case CollectiveKind.AllGather: peer.AllGather(input, output, part, type, stream); break;
            case CollectiveKind.ReduceScatter: peer.ReduceScatter(input, output, part, type, of.Op, stream); break;
            case CollectiveKind.AllToAll: peer.AllToAll(input, output, part, type, stream); break;
            default: peer.Broadcast(input, count, type, of.Root, stream); break;
        }
    }

    internal void EnqueueAll()
    {
        for (int i = 0; i < _calls.Count; i++)
            Enqueue(i, _rank.Stream);
    }

    public void Check(int round)
    {
        byte[] found = new byte[_content.Length];
        _memory.CopyTo(_rank.Device, found.AsSpan());
        for (int i = 0; i < _calls.Count; i++)
        {
            PeerCall call = _calls[i];
            T[][] inputs = [.. Enumerable.Range(0, _rank.Size).Select(rank => Inputs(i, rank, round))];
            T[] expected = Expected(call, inputs);
            ReadOnlySpan<T> actual = MemoryMarshal.Cast<byte, T>(found.AsSpan(OutputOffset(i)))[..expected.Length];
            int at = call.Reduces ? _element.FirstDifference(actual, expected) : Element<T>.EqualBits(actual, expected);
            if (at < expected.Length)
                Assert.Fail($"{call} of {typeof(T).Name}, {_rank.Size} ranks, seed {World.Seed}, round {round}, rank {_rank.Rank}: element {at} is {actual[at]}, expected {expected[at]}{(call.Reduces ? $" of {string.Join(", ", inputs.Select(input => input[(call.Collective == CollectiveKind.ReduceScatter ? Part(call) * _rank.Rank : 0) + at]))}" : "")}.");

            // The output's surroundings, and an input that is no output.
            expected.CopyTo(MemoryMarshal.Cast<byte, T>(_content.AsSpan(OutputOffset(i))));
            actual.CopyTo(MemoryMarshal.Cast<byte, T>(_content.AsSpan(OutputOffset(i))));
            int different = _content.AsSpan(_starts[i].._starts[i + 1]).CommonPrefixLength(found.AsSpan(_starts[i].._starts[i + 1]));
            Assert.True(different == _starts[i + 1] - _starts[i], $"{call} of {typeof(T).Name}: byte {different - (OutputOffset(i) - _starts[i])} from its output was written.");
        }
    }

    public void Dispose() => _owned?.Dispose();

    /// <summary>In place, a part that is given or taken lies where it does in the whole.</summary>
    private int InputOffset(int call) => Offset(call, _starts[call], _calls[call].InputOffset, _calls[call] is { InPlace: true, Collective: CollectiveKind.AllGather });

    private int OutputOffset(int call) => _calls[call].InPlace ? Offset(call, _starts[call], _calls[call].InputOffset, _calls[call].Collective == CollectiveKind.ReduceScatter)
        : Offset(call, _starts[call] + Stride(_calls[call]), _calls[call].OutputOffset, false);

    private int Offset(int call, int start, int elements, bool isPart) => start + Margin + ((elements + (isPart ? Part(_calls[call]) * _rank.Rank : 0)) * sizeof(T));

    private int Part(PeerCall call) => call.Count / _rank.Size;

    private static int Stride(PeerCall call) => (((call.Count + 16) * sizeof(T)) + (2 * Margin) + 15) & ~15;

    /// <summary>A prime number of random elements over and over: what is in the wrong place does not look right by chance. Of what is only copied, any bits.</summary>
    private T[] Inputs(int call, int rank, int round)
    {
        const int Period = 1021;
        Random random = new(HashCode(call, rank, round));
        T[] values = new T[_calls[call].Collective == CollectiveKind.AllGather ? Part(_calls[call]) : _calls[call].Count];
        if (!_calls[call].Reduces)
            random.NextBytes(MemoryMarshal.AsBytes(values.AsSpan(0, Math.Min(values.Length, Period))));
        for (int i = _calls[call].Reduces ? 0 : Period; i < values.Length; i++)
            values[i] = i < Period ? _element.Random(random) : values[i - Period];
        return values;
    }

    private int HashCode(int call, int rank, int round) => unchecked((((((World.Seed * 31) + _calls[call].Seed) * 31) + rank) * 31) + round);

    private T[] Expected(PeerCall call, T[][] inputs)
    {
        int part = Part(call), own = part * _rank.Rank;
        return call.Collective switch
        {
            CollectiveKind.AllReduce => Fold(_reduction, call.Op, inputs, 0, call.Count),
            CollectiveKind.ReduceScatter => Fold(_reduction, call.Op, inputs, own, part),
            CollectiveKind.AllGather => [.. inputs.SelectMany(input => input)],
            CollectiveKind.AllToAll => [.. inputs.SelectMany(input => input[own..(own + part)])],
            _ => inputs[call.Root],
        };
    }
}
