using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// Long sums in place on one rank, enqueued together and then compared, every element, with the host's own fold in rank order. The inputs of a rank and call repeat themselves after a prime number of elements: what is in the wrong place, or of
/// another piece, call or rank, does not look right, and what the host has to fold is short.
/// </summary>
internal sealed unsafe class LongCalls<T>
    where T : unmanaged
{
    private const int Period = 16_381;

    /// <summary>That are brought to the host at a time.</summary>
    private const int Periods = 64;

    private readonly Element<T> _element = Elements.Of<T>();
    private readonly HostReduction _reduction = new();
    private readonly DeviceRank _rank;
    private readonly AllReduceRoute[] _routes;
    private readonly DeviceSpan<T>[] _values;
    private readonly int _seed;

    /// <param name="rank">This one.</param>
    /// <param name="routes">Of each call.</param>
    /// <param name="memory">For all values, one behind the other; each is a little shorter than its share.</param>
    /// <param name="random">In the same state on all ranks.</param>
    internal LongCalls(DeviceRank rank, AllReduceRoute[] routes, DeviceSpan<byte> memory, Random random)
    {
        (_rank, _routes, _seed) = (rank, routes, random.Next());
        nuint share = memory.Length / (nuint)routes.Length / 256 * 256;
        _values = [.. routes.Select((_, call) => memory.Slice((nuint)call * share, share - ((nuint)random.Next(64) * (nuint)sizeof(T))).Cast<T>())];
    }

    internal void Load()
    {
        for (int call = 0; call < _values.Length; call++)
        {
            DeviceSpan<T> value = _values[call];
            nuint done = nuint.Min(Period, value.Length);
            value.Slice(0, done).CopyFrom<T>(_rank.Device, Input(call, _rank.Rank).AsSpan(0, (int)done));
            for (; done < value.Length; done *= 2)
            {
                nuint next = nuint.Min(done, value.Length - done);
                value.Slice(0, next).CopyTo(value.Slice(done, next), _rank.Stream);
            }
        }
    }

    internal void EnqueueAll()
    {
        PeerCommunicator peer = PeerGroup.PeerOf(_rank.Group);
        for (int call = 0; call < _values.Length; call++)
            peer.AllReduce(_routes[call], _values[call].Pointer, _values[call].Pointer, _values[call].Length, DataTypeExtensions.Of<T>(), ReduceOp.Sum, _rank.Stream);
    }

    internal void Check()
    {
        T[] found = new T[Periods * Period];
        for (int call = 0; call < _values.Length; call++)
        {
            T[] expected = Expected(call);
            for (nuint done = 0; done < _values[call].Length; done += Periods * Period)
            {
                Span<T> some = found.AsSpan(0, (int)nuint.Min(Periods * Period, _values[call].Length - done));
                _values[call].Slice(done, (nuint)some.Length).CopyTo(_rank.Device, some);
                for (int begin = 0; begin < some.Length; begin += Period)
                {
                    Span<T> actual = some[begin..Math.Min(begin + Period, some.Length)];
                    int at = _element.FirstDifference(actual, expected.AsSpan(0, actual.Length));
                    if (at < actual.Length)
                        Assert.Fail($"Call {call}, by {_routes[call]}, of {_values[call].Length} {typeof(T).Name}, {_rank.Size} ranks, seed {World.Seed}, rank {_rank.Rank}: element {done + (nuint)(begin + at)} is {actual[at]}, expected {expected[at]}.");
                }
            }
        }
    }

    private T[] Input(int call, int rank)
    {
        Random random = new(unchecked((((_seed * 31) + call) * 31) + rank));
        T[] period = new T[Period];
        for (int i = 0; i < period.Length; i++)
            period[i] = _element.Random(random);
        return period;
    }

    private T[] Expected(int call) => PeerCalls<T>.Fold(_reduction, ReduceOp.Sum, [.. Enumerable.Range(0, _rank.Size).Select(rank => Input(call, rank))], 0, Period);
}
