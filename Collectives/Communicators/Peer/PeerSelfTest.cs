using System.Diagnostics;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The first all-reduces of a group, of sums that are exact: twice each, so that both halves of the memory are used. All its memory is there before it runs, and its stream has run something.</summary>
internal sealed class PeerSelfTest : IDisposable
{
    /// <summary>No multiple of a packet's elements; several blocks of threads.</summary>
    private const int MostCount = 4001;
    private const int Calls = 2;

    private static readonly AllReduceRoute[] s_window = [AllReduceRoute.Windowed];

    private readonly PeerCommunicator _communicator;
    private readonly int _ranks;
    private readonly int _rank;
    private readonly TimeSpan _timeout;
    private readonly CudaStream _stream;
    private readonly DeviceBuffer<byte> _memory;

    internal PeerSelfTest(PeerCommunicator communicator, int ranks, int rank, TimeSpan timeout)
    {
        (_communicator, _ranks, _rank, _timeout) = (communicator, ranks, rank, timeout);
        _stream = communicator.Device.CreateStream();
        _memory = communicator.Device.Allocate<byte>(MostCount * sizeof(float));
        _stream.Synchronize();
    }

    /// <summary>Null, or what came out wrong. Throws the communicator's fault where a rank did not come.</summary>
    internal string? Run(ReadOnlySpan<DataType> types)
    {
        foreach (DataType type in types)
        {
            string? wrong = type switch
            {
                DataType.Float32 => Run(type, value => (float)value),
                DataType.Float16 => Run(type, value => (Half)value),
                DataType.BFloat16 => Run(type, value => (BFloat16)(float)value),
                _ => throw new ArgumentOutOfRangeException(nameof(types), type, "No test of this type."),
            };
            if (wrong is not null)
                return wrong;
        }

        return null;
    }

    public void Dispose()
    {
        _stream.Dispose();
        _memory.Dispose();
    }

    private string? Run<T>(DataType type, Func<int, T> convert)
        where T : unmanaged, IEquatable<T>
    {
        nuint half = _communicator.HalfBytes, most = half / (nuint)(PeerLaunch.CellBytes * _ranks) * (nuint)(PeerLaunch.DataInCell(type) / type.SizeInBytes());
        int count = (int)Math.Min(MostCount, most);
        foreach (AllReduceRoute route in (ReadOnlySpan<AllReduceRoute>)[AllReduceRoute.OneShot, AllReduceRoute.TwoShot, .. PeerLaunch.HasWindow(PeerLaunch.WindowedRings, _ranks, half) ? s_window : []])
        {
            for (int call = 0; call < Calls; call++)
            {
                if (Run(route, type, convert, count, call) is { } wrong)
                    return wrong;
            }
        }

        return null;
    }

    private string? Run<T>(AllReduceRoute route, DataType type, Func<int, T> convert, int count, int call)
        where T : unmanaged, IEquatable<T>
    {
        DeviceSpan<T> memory = new(_memory.Pointer, (nuint)count);
        memory.CopyFrom<T>(_communicator.Device, [.. Enumerable.Range(0, count).Select(i => convert(Input(i, _rank, call)))]);
        _communicator.AllReduce(route, memory.Pointer, memory.Pointer, (nuint)count, type, ReduceOp.Sum, _stream);
        Await();
        T[] found = new T[count];
        memory.CopyTo(_communicator.Device, found.AsSpan());
        for (int i = 0; i < count; i++)
        {
            T expected = convert(Enumerable.Range(0, _ranks).Sum(rank => Input(i, rank, call)));
            if (!found[i].Equals(expected))
                return $"the first all-reduce ({route}) is wrong, though copies between the ranks' memory are right: element {i} of {type} is {found[i]}, expected {expected}";
        }

        return null;
    }

    /// <summary>At most 15: sums of eight are exact in all types.</summary>
    private static int Input(int index, int rank, int call) => ((index * 7) + (rank * 5) + (call * 3)) % 16;

    private void Await()
    {
        long start = Stopwatch.GetTimestamp();
        while (!_stream.IsCompleted)
        {
            if (Stopwatch.GetElapsedTime(start) > _timeout)
                _communicator.Abort($"the first all-reduce has not ended within {_timeout.TotalSeconds:0.###} s");
            if (_communicator.Fault is { } fault)
                throw fault;
            Thread.Sleep(0);
        }

        if (_communicator.Fault is { } late)
            throw late;
    }
}
