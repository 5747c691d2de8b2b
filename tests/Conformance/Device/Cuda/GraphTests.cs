using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device.Cuda;

public sealed class GraphTests
{
    [Fact]
    public void A_capture_runs_nothing_and_its_graph_runs_at_each_launch()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<int> source = device.AllocateFrom<int>([1]), target = device.AllocateFrom<int>([0]);
        using CudaGraph graph = Capture(stream, () => source.Span.CopyTo(target.Span, stream));
        Assert.Equal(1, graph.NodeCount);
        using CudaGraphExec exec = graph.Instantiate();
        stream.Synchronize();
        Assert.Equal([0], target.ToArray());

        exec.Upload(stream);
        for (int round = 1; round < 4; round++)
        {
            source.CopyFrom([round]);
            exec.Launch(stream);
            stream.Synchronize();
            Assert.Equal([round], target.ToArray());
        }
    }

    [Fact]
    public void An_executable_graph_outlives_its_template()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<int> buffer = device.AllocateFrom<int>([1]);
        CudaGraph graph = Capture(stream, () => buffer.Span.Clear(stream));
        using CudaGraphExec exec = graph.Instantiate();
        graph.Dispose();
        exec.Launch(stream);
        stream.Synchronize();
        Assert.Equal([0], buffer.ToArray());
        Assert.Throws<ObjectDisposedException>(() => graph.Instantiate());
    }

    [Fact]
    public void An_update_takes_over_pointers_of_a_graph_of_the_same_shape_only()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<int> source = device.AllocateFrom<int>([1]), target = device.AllocateFrom<int>([0]), other = device.AllocateFrom<int>([2]), otherTarget = device.AllocateFrom<int>([0]);
        using CudaGraph graph = Capture(stream, () => source.Span.CopyTo(target.Span, stream));
        using CudaGraph moved = Capture(stream, () => other.Span.CopyTo(otherTarget.Span, stream));
        using CudaGraph larger = Capture(stream, () =>
        {
            other.Span.CopyTo(otherTarget.Span, stream);
            other.Span.Clear(stream);
        });
        using CudaGraphExec exec = graph.Instantiate();

        Assert.True(exec.TryUpdate(moved));
        Assert.False(exec.TryUpdate(larger));
        exec.Launch(stream);
        stream.Synchronize();

        Assert.Equal([0, 2, 2], [.. target.ToArray(), .. otherTarget.ToArray(), .. other.ToArray()]);
    }

    [Fact]
    public void A_capture_that_is_not_ended_is_thrown_away()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<int> buffer = device.AllocateFrom<int>([1]);
        using (device.MakeCurrent())
        {
            using (GraphCapture capture = stream.BeginCapture())
            {
                buffer.Span.Clear(stream);
                Assert.True(GraphCapture.IsCapturing(stream));
            }

            Assert.False(GraphCapture.IsCapturing(stream));
        }

        stream.Synchronize();
        Assert.Equal([1], buffer.ToArray());
        buffer.Span.Clear(stream);
        stream.Synchronize();
        Assert.Equal([0], buffer.ToArray());
    }

    [Fact]
    public void A_stream_that_is_captured_is_not_captured_again_nor_waited_for()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using GraphCapture capture = stream.BeginCapture();
        Assert.Throws<CudaException>(() => stream.BeginCapture());
        Assert.Throws<CudaException>(stream.Synchronize);
    }

    [Fact]
    public void A_capture_ends_once()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        GraphCapture capture = stream.BeginCapture();
        capture.End().Dispose();
        bool refused = false;
        try
        {
            capture.End();
        }
        catch (InvalidOperationException)
        {
            refused = true;
        }

        Assert.True(refused);
    }

    [Fact]
    public void A_capture_spoilt_by_a_stream_that_was_not_joined_back_is_an_error_and_the_stream_lives_on()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream(), joined = device.CreateStream();
        using CudaEvent mark = device.CreateEvent();
        using DeviceBuffer<int> buffer = device.AllocateFrom<int>([1]);
        bool refused = false;
        GraphCapture capture = stream.BeginCapture();
        mark.Record(stream);
        joined.Wait(mark);
        buffer.Span.Clear(joined);
        try
        {
            capture.End().Dispose();
        }
        catch (CudaException)
        {
            refused = true;
        }

        Assert.True(refused);
        buffer.Span.Clear(stream);
        stream.Synchronize();
        Assert.Equal([0], buffer.ToArray());
    }

    [Fact]
    public void Memory_of_a_graph_is_there_at_each_launch()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<int> source = device.AllocateFrom<int>([1, 2]), target = device.AllocateFrom<int>([0, 0]);
        using CudaGraph graph = Capture(stream, () =>
        {
            using DeviceBuffer<int> scratch = stream.Allocate<int>(2);
            source.Span.CopyTo(scratch.Span, stream);
            scratch.Span.CopyTo(target.Span, stream);
        });
        using CudaGraphExec exec = graph.Instantiate();
        for (int round = 0; round < 3; round++)
        {
            source.CopyFrom([round, 7]);
            exec.Launch(stream);
            stream.Synchronize();
            Assert.Equal([round, 7], target.ToArray());
        }
    }

    private static CudaGraph Capture(CudaStream stream, Action calls)
    {
        using GraphCapture capture = stream.BeginCapture();
        calls();
        return capture.End();
    }
}
