using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device.Cuda;

/// <summary>Each on a thread of its own, whose current context is nobody else's business.</summary>
public sealed class ContextTests
{
    [Fact]
    public void A_scope_makes_the_primary_context_current_and_brings_back_what_was()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        OnThread(() =>
        {
            Assert.Equal(0, Contexts.Current);
            using (device.MakeCurrent())
            {
                Assert.Equal(device.Context, Contexts.Current);
                using (device.MakeCurrent())
                    Assert.Equal(device.Context, Contexts.Current);
                Assert.Equal(device.Context, Contexts.Current);
            }

            Assert.Equal(0, Contexts.Current);
        });
    }

    [Fact]
    public void Calls_work_under_any_current_context_and_leave_it()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        OnThread(() => Leaves(device, 0));
        OnThread(() =>
        {
            nint foreign = Contexts.Create(device);
            Leaves(device, foreign);
            Contexts.Destroy(foreign);
        });
        foreach (CudaDevice other in CudaDevice.All.Where(other => other != device).Take(1))
        {
            OnThread(() =>
            {
                Contexts.Current = other.Context;
                Leaves(device, other.Context);
            });
        }
    }

    [Fact]
    public void Objects_may_be_used_and_disposed_by_another_thread_than_the_one_that_made_them()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        CudaStream stream = device.CreateStream();
        DeviceBuffer<int> buffer = device.AllocateFrom<int>([1, 2]);
        OnThread(() =>
        {
            buffer.Span.Slice(1).Clear(stream);
            stream.Synchronize();
            Assert.Equal([1, 0], buffer.ToArray());
            buffer.Dispose();
            stream.Dispose();
        });
    }

    private static void Leaves(CudaDevice device, nint context)
    {
        Check("before");
        using CudaStream stream = device.CreateStream();
        Check("CreateStream");
        using CudaEvent mark = device.CreateEvent();
        Check("CreateEvent");
        DeviceBuffer<int> plain = device.AllocateFrom<int>([1, 2, 3]), shareable = device.Allocate<int>(3, DeviceMemoryKind.Shareable), ordered = stream.Allocate<int>(3);
        Check("Allocate");
        plain.Span.CopyTo(shareable.Span, stream);
        shareable.Span.CopyTo(ordered.Span, stream);
        mark.Record(stream);
        stream.Wait(mark);
        Check("enqueueing");
        using (GraphCapture capture = stream.BeginCapture())
        {
            plain.Span.Clear(stream);
            using CudaGraph graph = capture.End();
            using CudaGraphExec exec = graph.Instantiate();
            Check("a capture");
            exec.Launch(stream);
        }

        stream.Synchronize();
        device.Synchronize();
        Check("Synchronize");
        Assert.Equal([1, 2, 3], ordered.ToArray());
        Assert.Equal([0, 0, 0], plain.ToArray());
        ordered.Dispose();
        shareable.Dispose();
        plain.Dispose();
        Check("Dispose");

        void Check(string call) => Assert.True(Contexts.Current == context, $"After {call} another context is current on the thread.");
    }

    private static void OnThread(Action body)
    {
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                body();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }
}
