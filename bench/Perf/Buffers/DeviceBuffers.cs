using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>Device memory; calls are enqueued or replayed as a graph, and timed by events on their stream.</summary>
internal sealed class DeviceBuffers<T> : IBuffers
    where T : unmanaged
{
    private readonly PerfOptions _options;
    private readonly GroupCoordinator _group;
    private readonly CudaStream _stream;
    private readonly CudaEvent _start;
    private readonly CudaEvent _end;
    private readonly DevicePattern? _pattern;
    private readonly DeviceBuffer<T>[] _buffers = [];
    private readonly PeerBuffer<T>[] _mapped = [];
    private readonly DeviceSpan<T>[] _spans;
    private readonly RegisteredBuffer[] _registered;
    private readonly PremultipliedSum? _scaled;

    /// <param name="setting">Of a group that moves device memory.</param>
    /// <param name="stream">Of the rank's device.</param>
    /// <param name="pattern">Null: nothing is checked, and the memory holds zeros.</param>
    /// <param name="elements">Of each buffer; one at least, so that there is something to register.</param>
    internal DeviceBuffers(Setting setting, CudaStream stream, DevicePattern? pattern, long elements)
    {
        (_options, _group, _stream, _pattern) = (setting.Options, setting.Group, stream, pattern);
        CudaDevice device = stream.Device;
        (_start, _end) = (device.CreateEvent(timing: true), device.CreateEvent(timing: true));

        // As nccl-tests: memory that can be registered only where it is.
        DeviceMemoryKind kind = _options.Registration is null ? DeviceMemoryKind.Plain : DeviceMemoryKind.Shareable;
        nuint length = (nuint)Math.Max(elements, 1);
        if (_options.Route is AllReduceRoute.CopyEngine or AllReduceRoute.Registered)
        {
            // All ranks map it: those routes' outputs lie there.
            _mapped = [Mapped(length), Mapped(length)];
            _spans = [.. _mapped.Select(buffer => buffer.Span)];
        }
        else
        {
            _buffers = [device.Allocate<T>(length, kind), device.Allocate<T>(length, kind)];
            _spans = [.. _buffers.Select(buffer => buffer.Span)];
        }

        _registered = _options.Registration is { } registration ? [.. _spans.Select(span => _group.Register(span, registration))] : [];
        if (setting.Operations.Contains(Operation.MulSum) && new Convention(_options.Collective).Reduces)
            _scaled = _group.CreatePremultipliedSum(Pattern<T>.FromDouble(1 + (_group.RankInGroup & 1)));
    }

    public void Fill(Part part, int seed, Operation op)
    {
        if (_pattern is null)
            Span(part).Clear(_stream);
        else
            _pattern.Fill(Span(part), seed, op);
    }

    public double Time(Call call)
    {
        for (int i = 0; i < _options.WarmupIterations; i++)
            Enqueue(call);
        using CudaGraphExec? graph = _options.Replays > 0 ? Capture(call, _options.Iterations) : null;
        graph?.Launch(_stream);
        _group.Synchronize(_stream);

        _group.Barrier();
        _start.Record(_stream);
        for (int i = 0; i < (graph is null ? _options.Iterations : _options.Replays); i++)
        {
            if (graph is null)
                Enqueue(call);
            else
                graph.Launch(_stream);
        }

        _end.Record(_stream);
        _group.Synchronize(_stream);
        return _end.ElapsedSince(_start).TotalMicroseconds / ((double)_options.Iterations * Math.Max(_options.Replays, 1));
    }

    public void Run(Call call)
    {
        using CudaGraphExec? graph = _options.Replays > 0 ? Capture(call, 1) : null;
        if (graph is null)
            Enqueue(call);
        else
            graph.Launch(_stream);
        _group.Synchronize(_stream);
    }

    public long CountWrong(Part part, int seed, Operation op, long first) => _pattern!.CountWrong(Span(part), seed, op, null, first);

    public long CountWrongCopy(Part part, int seed, Operation op, int rank, long first) => _pattern!.CountWrong(Span(part), seed, op, rank, first);

    public void Dispose()
    {
        _scaled?.Dispose();
        foreach (RegisteredBuffer registered in _registered)
            registered.Dispose();
        foreach (DeviceBuffer<T> buffer in _buffers)
            buffer.Dispose();
        foreach (PeerBuffer<T> buffer in _mapped)
            buffer.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _start.Dispose();
        _end.Dispose();
    }

    private CudaGraphExec Capture(Call call, int calls)
    {
        // What a first call sets up must not be set up while capturing.
        _group.Synchronize(_stream);
        if (call.Kind == CollectiveKind.AllReduce && call.Op != Operation.MulSum)
            _group.Prepare([DataTypeExtensions.Of<T>()], [(ReduceOp)call.Op]);
        using GraphCapture capture = _stream.BeginCapture();
        for (int i = 0; i < calls; i++)
            Enqueue(call);
        using CudaGraph graph = capture.End();
        return graph.Instantiate();
    }

    private void Enqueue(Call call)
    {
        DeviceSpan<T> input = Span(call.Input), output = Span(call.Output);
        DeviceReduceOp op = call.Op == Operation.MulSum ? _scaled! : (ReduceOp)call.Op;
        switch (call.Kind)
        {
            case CollectiveKind.AllReduce: _group.AllReduce(input, output, op, _stream); break;
            case CollectiveKind.Reduce: _group.Reduce(input, output, call.Root, op, _stream); break;
            case CollectiveKind.AllGather: _group.AllGather(input, output, _stream); break;
            case CollectiveKind.ReduceScatter: _group.ReduceScatter(input, output, op, _stream); break;
            case CollectiveKind.Gather: _group.Gather(input, output, call.Root, _stream); break;
            case CollectiveKind.Scatter: _group.Scatter(input, output, call.Root, _stream); break;
            case CollectiveKind.AllToAll: _group.AllToAll(input, output, _stream); break;
            case CollectiveKind.Broadcast: _group.Broadcast(output, call.Root, _stream); break;
            case CollectiveKind.SendReceive: _group.SendReceive(input, Call.Next(_group), output, Call.Previous(_group), _stream); break;
            case CollectiveKind.Barrier: _group.Barrier(_stream); break;
            default: throw new PerfException($"{CommandLine.NameOf(call.Kind)} moves no device memory.");
        }
    }

    private PeerBuffer<T> Mapped(nuint length) => _group.AllocateRegisteredAsync<T>(length).GetAwaiter().GetResult();

    private DeviceSpan<T> Span(Part part) => _spans[part.Buffer].Slice((nuint)part.Start, (nuint)part.Length);
}
