using CollectivesSharp.Cuda;

namespace CollectivesSharp.Benchmarks;

/// <summary>One rank's group, GPU and buffers: a call is as many all-reduces as one measurement holds, back to back, and the wait for the last.</summary>
internal sealed class DeviceRank : IRank
{
    private readonly CudaStream _stream;
    private readonly DeviceBuffer<float> _input;
    private readonly DeviceBuffer<float> _output;
    private readonly CudaGraphExec? _graph;
    private readonly int _calls;

    internal DeviceRank(GroupCoordinator group, int elements, int calls, bool captured)
    {
        (Group, _calls) = (group, calls);
        CudaDevice device = group.Device!;
        _stream = device.CreateStream();
        _input = device.AllocateFrom<float>(new float[elements]);
        _output = device.Allocate<float>((nuint)elements);

        // What NCCL sets up at a first call it shall not set up while capturing.
        Enqueue();
        group.Synchronize(_stream);
        if (!captured)
            return;
        using GraphCapture capture = _stream.BeginCapture();
        Enqueue();
        using CudaGraph graph = capture.End();
        _graph = graph.Instantiate();
    }

    public GroupCoordinator Group { get; }

    public void Call()
    {
        if (_graph is null)
            Enqueue();
        else
            _graph.Launch(_stream);
        Group.Synchronize(_stream);
    }

    public void Dispose()
    {
        _graph?.Dispose();
        _input.Dispose();
        _output.Dispose();
        _stream.Dispose();
        Group.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private void Enqueue()
    {
        for (int i = 0; i < _calls; i++)
            Group.AllReduce<float>(_input, _output, ReduceOp.Sum, _stream);
    }
}
