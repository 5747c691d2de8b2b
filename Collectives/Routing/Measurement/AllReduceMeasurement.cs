using System.Diagnostics;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Measures every route of a group in turn, size by size. Collective. The ranks leave it together: what one of them has met (its deadline, a cancellation, memory that it could not get) travels with the times of a size.
/// </summary>
internal sealed class AllReduceMeasurement : IDisposable
{
    private enum End
    {
        None,
        TimedOut,
        Cancelled,
    }

    private readonly GroupCoordinator _group;
    private readonly RoutedDeviceCommunicator _routed;
    private readonly AllReduceTunerOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly CudaStream _stream;
    private readonly CudaEvent _begin;
    private readonly CudaEvent _end;
    private readonly IAllReduceCheck? _check;
    private RouteBuffers? _buffers;

    /// <summary>In symmetric windows; null: there are none to be had.</summary>
    private RouteBuffers? _windows;

    /// <param name="group">Collective.</param>
    /// <param name="routed">Its routes.</param>
    /// <param name="options">Equal on all ranks.</param>
    /// <param name="check">Made for the measurement's stream, on all ranks or on none; null: nobody looks at sums.</param>
    /// <param name="cancellation">Ends it on all ranks.</param>
    internal AllReduceMeasurement(GroupCoordinator group, RoutedDeviceCommunicator routed, AllReduceTunerOptions options, Func<CudaStream, IAllReduceCheck>? check, CancellationToken cancellation)
    {
        (_group, _routed, _options, _cancellation) = (group, routed, options, cancellation);
        _stream = routed.Device.CreateStream();
        (_begin, _end) = (routed.Device.CreateEvent(timing: true), routed.Device.CreateEvent(timing: true));
        _check = check?.Invoke(_stream);
    }

    internal List<AllReduceTiming> Run(IProgress<AllReduceTiming>? progress)
    {
        Allocate();
        _group.Prepare([.. _options.Types], [ReduceOp.Sum]);
        List<AllReduceTiming> rows = [];
        foreach (DataType type in _options.Types)
        {
            foreach (long bytes in _options.Sizes())
            {
                foreach (bool captured in (ReadOnlySpan<bool>)[false, true])
                {
                    if (!(captured ? _options.Captured : _options.Eager))
                        continue;
                    AllReduceTiming row = Measure(type, (nuint)Math.Max(bytes / type.SizeInBytes(), 1), captured);
                    rows.Add(row);
                    progress?.Report(row);
                }
            }
        }

        return rows;
    }

    public void Dispose()
    {
        _check?.Dispose();
        _windows?.Dispose();
        _buffers?.Dispose();
        _begin.Dispose();
        _end.Dispose();
        _stream.Dispose();
    }

    private void Allocate()
    {
        bool wantsWindows = _routed.Nccl is not null && NcclFeatures.Has(nameof(NcclNative.ncclCommWindowRegister));
        PeerBuffer<byte>? registered = Register();
        CudaException? failure = TryAllocate(DeviceMemoryKind.Plain, registered, out _buffers), noWindows = wantsWindows ? TryAllocate(DeviceMemoryKind.Shareable, null, out _windows) : null;
        double[] failed = [failure is null ? 0 : 1, noWindows is null ? 0 : 1];
        _group.AllReduce<double>(failed, failed, ReduceOp.Max);
        if (failed[0] != 0)
        {
            if (_buffers is null)
                registered?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw new InvalidOperationException($"Group {_group.Name}: two buffers of {_options.MaxBytes} bytes to measure all-reduces with: {failure?.Message ?? "another rank could not get them."} Lower {nameof(AllReduceTunerOptions)}.{nameof(AllReduceTunerOptions.MaxBytes)}.", failure);
        }

        if (failed[1] != 0)
        {
            _windows?.Dispose();
            _windows = null;
        }

        _windows?.MakeWindows(_routed);
    }

    /// <summary>For the routes that need it; to the others it is memory like any other. Null, on all ranks alike: there is none to be had, and those routes are left out.</summary>
    private PeerBuffer<byte>? Register()
    {
        if (_routed.Facts.PeerObjection is not null)
            return null;
        try
        {
            // A cancellation is agreed on later, with the first size.
            return _group.AllocateRegisteredAsync<byte>((nuint)_options.MaxBytes, CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (PeerMemoryException)
        {
            return null;
        }
    }

    private CudaException? TryAllocate(DeviceMemoryKind kind, PeerBuffer<byte>? registered, out RouteBuffers? buffers)
    {
        buffers = null;
        try
        {
            buffers = new RouteBuffers(_routed.Device, (nuint)_options.MaxBytes, kind, registered);
            buffers.Clear(_stream);
            return null;
        }
        catch (CudaException e)
        {
            return e;
        }
    }

    /// <summary>A route that works on symmetric windows alone is measured there, and no other.</summary>
    private RouteBuffers BuffersOf(AllReduceRoute route) => route == AllReduceRoute.NcclSymmetric && _windows is not null ? _windows : _buffers!;

    private AllReduceTiming Measure(DataType type, nuint count, bool captured)
    {
        AllReduceRequest request = new(count, type, ReduceOp.Sum) { IsCaptured = captured };
        string?[] objections = [.. AllReduceRouter.Routes.Select(route => AllReduceRouter.Objection(route, _routed.Locate(request, BuffersOf(route).Input, BuffersOf(route).Output), _routed.Facts))];
        AllReduceRoute[] routes = [.. AllReduceRouter.Routes.Where((_, index) => objections[index] is null)];
        int calls = _options.CallsOf((long)request.Bytes);
        double[] times = new double[(routes.Length * _options.Rounds) + 1];
        long[] wrong = new long[routes.Length];
        CudaGraphExec?[] graphs = [.. routes.Select(route => captured ? Capture(route, request, calls) : null)];
        try
        {
            for (int i = 0; _check is not null && i < routes.Length; i++)
                wrong[i] = CountWrong(_check, routes[i], request);

            // The first round warms up. Each begins with another route, so that none is always the one after NCCL, say.
            for (int round = -1; round < _options.Rounds; round++)
            {
                for (int turn = 0; turn < routes.Length; turn++)
                {
                    int i = (round + 1 + turn) % routes.Length;
                    double time = Time(routes[i], request, graphs[i], calls);
                    if (round >= 0)
                        times[(i * _options.Rounds) + round] = time;
                }
            }
        }
        finally
        {
            foreach (CudaGraphExec? graph in graphs)
                graph?.Dispose();
        }

        Agree(times);
        if (_check is not null)
            _group.AllReduce<long>(wrong, wrong);
        RouteTiming[] timings = [.. AllReduceRouter.Routes.Select((route, index) => Array.IndexOf(routes, route) is >= 0 and var i
            ? RouteTiming.Of(route, times.AsSpan(i * _options.Rounds, _options.Rounds)) with { Wrong = _check is null ? null : wrong[i] }
            : new RouteTiming(route, null, objections[index]))];
        AllReduceRoute choice = AllReduceRouter.Route(_routed.Locate(request, _buffers!.Input, _buffers.Output), _routed.Facts).Route;
        return new AllReduceTiming(request.Bytes, type, captured, choice, timings) { PlainChoice = AllReduceRouter.Route(request, _routed.Facts).Route };
    }

    /// <summary>Of the slowest rank, each time; and whether any of them has to end.</summary>
    private void Agree(double[] times)
    {
        times[^1] = (double)(_cancellation.IsCancellationRequested ? End.Cancelled : Stopwatch.GetElapsedTime(_start) > _options.Timeout ? End.TimedOut : End.None);
        _group.AllReduce<double>(times, times, ReduceOp.Max);
        switch ((End)times[^1])
        {
            case End.Cancelled:
                _cancellation.ThrowIfCancellationRequested();
                throw new OperationCanceledException($"Group {_group.Name}: another rank has cancelled the measurement of all-reduces.");
            case End.TimedOut:
                throw new TimeoutException($"Group {_group.Name}: all-reduces were not measured within {_options.Timeout.TotalSeconds:0.###} s ({nameof(AllReduceTunerOptions)}.{nameof(AllReduceTunerOptions.Timeout)}).");
        }
    }

    /// <summary>Microseconds a call. One call before the clock starts brings the devices together.</summary>
    private double Time(AllReduceRoute route, in AllReduceRequest request, CudaGraphExec? graph, int calls)
    {
        _group.Barrier();
        Launch(route, request);
        _begin.Record(_stream);
        if (graph is not null)
            graph.Launch(_stream);
        for (int call = 0; graph is null && call < calls; call++)
            Launch(route, request);
        _end.Record(_stream);
        _group.Synchronize(_stream);
        return _end.ElapsedSince(_begin).TotalMicroseconds / calls;
    }

    private CudaGraphExec Capture(AllReduceRoute route, in AllReduceRequest request, int calls)
    {
        // What a first call sets up must not be set up while capturing.
        _group.Barrier();
        Launch(route, request);
        _group.Synchronize(_stream);
        using GraphCapture capture = _stream.BeginCapture();
        for (int call = 0; call < calls; call++)
            Launch(route, request);
        using CudaGraph graph = capture.End();
        return graph.Instantiate();
    }

    /// <summary>The inputs differ from call to call, so that what a call leaves behind is not taken for a result of the next one. The last one stays there, for the timed calls.</summary>
    private long CountWrong(IAllReduceCheck check, AllReduceRoute route, in AllReduceRequest request)
    {
        RouteBuffers buffers = BuffersOf(route);
        check.Begin();
        if (request.IsCaptured)
        {
            using GraphCapture capture = _stream.BeginCapture();
            Enqueue(request);
            using CudaGraph graph = capture.End();
            using CudaGraphExec exec = graph.Instantiate();
            exec.Launch(_stream);
            _group.Synchronize(_stream);
        }
        else
        {
            Enqueue(request);
            _group.Synchronize(_stream);
        }

        return check.Wrong();

        void Enqueue(in AllReduceRequest request)
        {
            for (int call = 0; call < check.Calls; call++)
            {
                int seed = unchecked((int)request.Count + (31 * (int)route) + (1009 * call) + 1);
                check.Fill(buffers.Input, request.Count, request.Type, seed);
                Launch(route, request);
                check.Count(buffers.Output, request.Count, request.Type, seed);
            }
        }
    }

    private void Launch(AllReduceRoute route, in AllReduceRequest request) => _routed.Launch(route, BuffersOf(route).Input, BuffersOf(route).Output, request.Count, request.Type, request.Op, _stream);
}
