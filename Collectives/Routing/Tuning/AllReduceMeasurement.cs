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
    private DeviceBuffer<byte>? _input;
    private DeviceBuffer<byte>? _output;

    /// <summary>In its place, for the route that needs it; to the others it is memory like any other.</summary>
    private PeerBuffer<byte>? _registered;

    internal AllReduceMeasurement(GroupCoordinator group, RoutedDeviceCommunicator routed, AllReduceTunerOptions options, CancellationToken cancellation)
    {
        (_group, _routed, _options, _cancellation) = (group, routed, options, cancellation);
        _stream = routed.Device.CreateStream();
        (_begin, _end) = (routed.Device.CreateEvent(timing: true), routed.Device.CreateEvent(timing: true));
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
        _input?.Dispose();
        _output?.Dispose();
        _registered?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _begin.Dispose();
        _end.Dispose();
        _stream.Dispose();
    }

    private void Allocate()
    {
        // A cancellation is agreed on later, with the first size.
        try
        {
            if (_routed.Facts.CopyEngineObjection is null)
                _registered = _group.AllocateRegisteredAsync<byte>((nuint)_options.MaxBytes, CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (PeerMemoryException)
        {
            // On all ranks alike: the route is left out.
        }

        CudaException? failure = null;
        try
        {
            _input = _routed.Device.Allocate<byte>((nuint)_options.MaxBytes);
            if (_registered is null)
                _output = _routed.Device.Allocate<byte>((nuint)_options.MaxBytes);
            _input.Span.Clear(_stream);
        }
        catch (CudaException e)
        {
            failure = e;
        }

        double[] failed = [failure is null ? 0 : 1];
        _group.AllReduce<double>(failed, failed, ReduceOp.Max);
        if (failed[0] != 0)
            throw new InvalidOperationException($"Group {_group.Name}: two buffers of {_options.MaxBytes} bytes to measure all-reduces with: {failure?.Message ?? "another rank could not get them."} Lower {nameof(AllReduceTunerOptions)}.{nameof(AllReduceTunerOptions.MaxBytes)}.", failure);
    }

    private AllReduceTiming Measure(DataType type, nuint count, bool captured)
    {
        AllReduceRequest request = new(count, type, ReduceOp.Sum) { IsCaptured = captured, IsRegistered = _registered is not null };
        string?[] objections = [.. AllReduceRouter.Routes.Select(route => AllReduceRouter.Objection(route, request, _routed.Facts with { Forced = null }))];
        AllReduceRoute[] routes = [.. AllReduceRouter.Routes.Where((_, index) => objections[index] is null)];
        int calls = _options.CallsOf((long)request.Bytes);
        double[] times = new double[(routes.Length * _options.Rounds) + 1];
        CudaGraphExec?[] graphs = [.. routes.Select(route => captured ? Capture(route, request, calls) : null)];
        try
        {
            // The first round warms up.
            for (int round = -1; round < _options.Rounds; round++)
            {
                for (int route = 0; route < routes.Length; route++)
                {
                    double time = Time(routes[route], request, graphs[route], calls);
                    if (round >= 0)
                        times[(route * _options.Rounds) + round] = time;
                }
            }
        }
        finally
        {
            foreach (CudaGraphExec? graph in graphs)
                graph?.Dispose();
        }

        Agree(times);
        RouteTiming[] timings = [.. AllReduceRouter.Routes.Select((route, index) => new RouteTiming(route, Median(route), objections[index]))];
        return new AllReduceTiming(request.Bytes, type, captured, _routed.Route(request).Route, timings);

        double? Median(AllReduceRoute route) => Array.IndexOf(routes, route) is >= 0 and var index ? times.Skip(index * _options.Rounds).Take(_options.Rounds).Order().ElementAt(_options.Rounds / 2) : null;
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

    private void Launch(AllReduceRoute route, in AllReduceRequest request) => _routed.Launch(route, _input!.Pointer, _registered?.Pointer ?? _output!.Pointer, request.Count, request.Type, request.Op, _stream);
}
