using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>All-reduces by our kernels on one rank, enqueued together and then compared with what the host's own fold of all inputs gives: bit by bit, of NaNs that they are NaNs.</summary>
internal sealed unsafe class PeerCalls<T> : IDisposable
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

    internal static nuint BytesOf(IEnumerable<PeerCall> calls) => calls.Aggregate((nuint)0, (sum, call) => sum + (2 * (nuint)Stride(call)));

    /// <summary>New inputs; the outputs hold what must be overwritten.</summary>
    internal void Load(int round)
    {
        Array.Fill(_content, Untouched);
        for (int i = 0; i < _calls.Count; i++)
            Inputs(i, _rank.Rank, round).CopyTo(MemoryMarshal.Cast<byte, T>(_content.AsSpan(InputOffset(i))));
        _memory.CopyFrom<byte>(_rank.Device, _content);
    }

    internal void Enqueue(int call, nint stream) =>
        PeerGroup.PeerOf(_rank.Group).AllReduce(_calls[call].Route, _memory.Pointer + InputOffset(call), _memory.Pointer + OutputOffset(call), (nuint)_calls[call].Count, DataTypeExtensions.Of<T>(), _calls[call].Op, stream);

    internal void EnqueueAll()
    {
        for (int i = 0; i < _calls.Count; i++)
            Enqueue(i, _rank.Stream);
    }

    internal void Check(int round)
    {
        byte[] found = new byte[_content.Length];
        _memory.CopyTo(_rank.Device, found.AsSpan());
        for (int i = 0; i < _calls.Count; i++)
        {
            PeerCall call = _calls[i];
            T[][] inputs = [.. Enumerable.Range(0, _rank.Size).Select(rank => Inputs(i, rank, round))];
            T[] expected = Reduce(inputs, call);
            ReadOnlySpan<T> actual = MemoryMarshal.Cast<byte, T>(found.AsSpan(OutputOffset(i)))[..call.Count];
            int at = _element.FirstDifference(actual, expected);
            if (at < call.Count)
                Assert.Fail($"{call} of {typeof(T).Name}, {_rank.Size} ranks, seed {World.Seed}, round {round}, rank {_rank.Rank}: element {at} is {actual[at]}, expected {expected[at]} of {string.Join(", ", inputs.Select(input => input[at]))}.");

            // The output's surroundings, and an input that is no output.
            expected.CopyTo(MemoryMarshal.Cast<byte, T>(_content.AsSpan(OutputOffset(i))));
            actual.CopyTo(MemoryMarshal.Cast<byte, T>(_content.AsSpan(OutputOffset(i))));
            int different = _content.AsSpan(_starts[i].._starts[i + 1]).CommonPrefixLength(found.AsSpan(_starts[i].._starts[i + 1]));
            Assert.True(different == _starts[i + 1] - _starts[i], $"{call} of {typeof(T).Name}: byte {different - (OutputOffset(i) - _starts[i])} from its output was written.");
        }
    }

    public void Dispose() => _owned?.Dispose();

    private int InputOffset(int call) => _starts[call] + Margin + (_calls[call].InputOffset * sizeof(T));

    private int OutputOffset(int call) => _calls[call].InPlace ? InputOffset(call) : _starts[call] + Stride(_calls[call]) + Margin + (_calls[call].OutputOffset * sizeof(T));

    private static int Stride(PeerCall call) => (((call.Count + 16) * sizeof(T)) + (2 * Margin) + 15) & ~15;

    /// <summary>A prime number of random elements over and over: what is in the wrong place does not look right by chance.</summary>
    private T[] Inputs(int call, int rank, int round)
    {
        const int Period = 1021;
        Random random = new(HashCode(call, rank, round));
        T[] values = new T[_calls[call].Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = i < Period ? _element.Random(random) : values[i - Period];
        return values;
    }

    private int HashCode(int call, int rank, int round) => unchecked((((((World.Seed * 31) + _calls[call].Seed) * 31) + rank) * 31) + round);

    private T[] Reduce(T[][] inputs, PeerCall call)
    {
        T[] result = new T[call.Count];
        List<GCHandle> pinned = [.. inputs.Append(result).Select(array => GCHandle.Alloc(array, GCHandleType.Pinned))];
        nint[] sources = [.. pinned.Select(handle => handle.AddrOfPinnedObject())];
        _reduction.Reduce(DataTypeExtensions.Of<T>(), call.Op, sources.AsSpan(0, inputs.Length), sources[^1], (nuint)call.Count);
        pinned.ForEach(handle => handle.Free());
        return result;
    }
}
