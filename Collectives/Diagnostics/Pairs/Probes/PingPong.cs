using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>Cuda/Kernels/Probes/ping_pong.cu on one rank. The first <see cref="Bytes"/> bytes of everybody's memory are its flags, a line for each writer; they are zero at first and only grow.</summary>
internal sealed class PingPong : IDisposable
{
    internal const int Bytes = 4096;

    /// <summary>What one wait of the kernel may take; a flag takes microseconds.</summary>
    internal const int PatienceSeconds = 2;

    private const int LineBytes = 64;

    private readonly PairMemory _memory;
    private readonly int _rank;
    private readonly KernelLibrary _library;
    private readonly CudaKernel _kernel;
    private readonly DeviceBuffer<ulong> _result;
    private readonly ulong[] _sent;
    private PingPongArguments _last;

    internal PingPong(CudaDevice device, PairMemory memory, int rank)
    {
        (_memory, _rank) = (memory, rank);
        _sent = new ulong[Bytes / LineBytes];
        _library = KernelLibrary.Load(device, KernelSource.FromResource(typeof(CudaKernel).Assembly, "ping_pong.cu", "device.cuh"));
        _kernel = _library.Get("ping_pong");
        _result = device.Allocate<ulong>(2);
    }

    internal static int MostRanks => Bytes / LineBytes;

    internal void Launch(CudaStream stream, int peer, bool starts, PairOptions options)
    {
        _last = new PingPongArguments
        {
            Mine = _memory.Own + (peer * LineBytes),
            Theirs = _memory.Address(peer) + (_rank * LineBytes),
            Before = _sent[peer],
            Warmup = (uint)options.WarmupRoundTrips,
            RoundTrips = (uint)options.RoundTrips,
            Patience = PatienceSeconds * 1_000_000_000UL,
            Result = _result.Pointer,
            Starts = starts ? 1 : 0,
        };
        // Both sides count alike, also where a kernel gave up: a late flag of this time is none of the next.
        _sent[peer] += _last.Warmup + _last.RoundTrips;
        _kernel.Launch(1, 1, stream, _last);
    }

    /// <summary>After the kernel has ended. False: a flag did not come.</summary>
    internal bool Result(out double seconds, out long trips)
    {
        ulong[] result = _result.ToArray();
        (seconds, trips) = (result[1] / 1e9 / _last.RoundTrips / 2, (long)result[0]);
        return result[0] == _last.Warmup + _last.RoundTrips;
    }

    public void Dispose()
    {
        _result.Dispose();
        _library.Dispose();
    }
}
