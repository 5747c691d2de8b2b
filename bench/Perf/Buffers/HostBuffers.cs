using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace CollectivesSharp.Perf;

/// <summary>Host memory; calls return when they are done, so that the host's clock times them.</summary>
internal sealed unsafe class HostBuffers<T> : IBuffers
    where T : unmanaged
{
    private readonly PerfOptions _options;
    private readonly GroupCoordinator _group;
    private readonly void*[] _buffers = new void*[2];

    /// <summary>What owns them with --group-memory.</summary>
    private readonly HostBuffer<T>?[] _shared = new HostBuffer<T>?[2];

    internal HostBuffers(PerfOptions options, GroupCoordinator group, long bytes)
    {
        (_options, _group) = (options, group);
        bytes = Math.Max(bytes, sizeof(T));
        for (int i = 0; i < 2; i++)
        {
            _shared[i] = options.GroupMemory ? group.AllocateHost<T>(checked((int)(bytes / sizeof(T)))) : null;
            _buffers[i] = _shared[i] is { } shared ? shared.Pointer : NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        }
    }

    public void Fill(Part part, int seed, Operation op) => Pattern<T>.Fill(Span(part), seed, _group.RankInGroup, _group.WorldSize, op);

    public double Time(Call call)
    {
        if (_options.Fresh)
            return TimeFresh(call);
        for (int i = 0; i < _options.WarmupIterations; i++)
            Run(call);
        _group.Barrier();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < _options.Iterations; i++)
            Run(call);
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / _options.Iterations;
    }

    public void Run(Call call)
    {
        Span<T> input = Span(call.Input), output = Span(call.Output);
        ReduceOp op = (ReduceOp)call.Op;
        switch (call.Kind)
        {
            case CollectiveKind.AllReduce: _group.AllReduce<T>(input, output, op); break;
            case CollectiveKind.Reduce: _group.Reduce<T>(input, output, call.Root, op); break;
            case CollectiveKind.AllGather: _group.AllGather<T>(input, output); break;
            case CollectiveKind.ReduceScatter: _group.ReduceScatter<T>(input, output, op); break;
            case CollectiveKind.Gather: _group.Gather<T>(input, output, call.Root); break;
            case CollectiveKind.Scatter: _group.Scatter<T>(input, output, call.Root); break;
            case CollectiveKind.AllToAll: _group.AllToAll<T>(input, output); break;
            case CollectiveKind.Broadcast: _group.Broadcast(output, call.Root); break;
            case CollectiveKind.SendReceive: _group.SendReceive<T>(input, Call.Next(_group), output, Call.Previous(_group)); break;
            default: _group.Barrier(); break;
        }
    }

    public long CountWrong(Part part, int seed, Operation op, long first) => Pattern<T>.CountWrong(Span(part), seed, _group.WorldSize, op, first);

    public long CountWrongCopy(Part part, int seed, Operation op, int rank, long first) => Pattern<T>.CountWrongCopy(Span(part), seed, rank, _group.WorldSize, op, first);

    public void Dispose()
    {
        for (int i = 0; i < 2; i++)
        {
            if (_shared[i] is { } shared)
                shared.Dispose();
            else
                NativeMemory.AlignedFree(_buffers[i]);
        }
    }

    private double TimeFresh(Call call)
    {
        long ticks = 0;
        bool sends = call.Sends(_group), flips = sends && call.Input.Buffer != call.Output.Buffer;
        if (flips)
        {
            // The last call's input is what was filled.
            Fill(call.Input, _options.Iterations, call.Op);
            if ((_options.WarmupIterations + _options.Iterations) % 2 == 1)
                FlipSigns(call.Input);
        }

        for (int i = 1 - _options.WarmupIterations; i <= _options.Iterations; i++)
        {
            if (flips)
                FlipSigns(call.Input);
            else if (sends)
                Fill(call.Input, i, call.Op);

            // The first takes up what one rank writes longer than another, in which those who wait may fall asleep; out of the second, a short one, all come awake.
            _group.Barrier();
            _group.Barrier();
            long start = Stopwatch.GetTimestamp();
            Run(call);
            if (i > 0)
                ticks += Stopwatch.GetTimestamp() - start;
        }

        return ticks * 1e6 / Stopwatch.Frequency / _options.Iterations;
    }

    /// <summary>Writes every line, with another content than before, at the caches' speed: filling takes milliseconds, in which other programs take the cache that all cores share.</summary>
    private void FlipSigns(Part part)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(Span(part));
        Span<byte> mask = stackalloc byte[32];
        for (int i = sizeof(T) - 1; i < mask.Length; i += sizeof(T))
            mask[i] = 0x80;
        Vector256<byte> flip = Vector256.Create<byte>(mask);
        int done = 0;
        for (; done + 32 <= bytes.Length; done += 32)
            (Vector256.Create<byte>(bytes.Slice(done, 32)) ^ flip).CopyTo(bytes[done..]);
        for (; done < bytes.Length; done++)
            bytes[done] ^= mask[done % 32];
    }

    private Span<T> Span(Part part) => new((T*)_buffers[part.Buffer] + part.Start, checked((int)part.Length));
}
