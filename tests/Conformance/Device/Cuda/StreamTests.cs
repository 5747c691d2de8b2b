using System.Diagnostics;
using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device.Cuda;

public sealed class StreamTests
{
    [Fact]
    public void A_stream_and_its_events_are_done_when_its_work_is()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream(), other = device.CreateStream();
        using CudaEvent mark = device.CreateEvent();
        using DeviceBuffer<uint> word = device.AllocateFrom<uint>([7]);

        // Of its first kernel, which is nobody's.
        stream.Synchronize();
        Assert.True(stream.IsCompleted);
        Assert.True(mark.IsCompleted);

        Contexts.WaitForWord(stream, word, 0);
        mark.Record(stream);
        Assert.False(stream.IsCompleted);
        Assert.False(mark.IsCompleted);
        word.Span.Clear(other);
        mark.Synchronize();
        stream.Synchronize();

        Assert.True(mark.IsCompleted);
        Assert.True(stream.IsCompleted);
    }

    [Fact]
    public void A_stream_waits_for_an_event_of_another()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream first = device.CreateStream(), second = device.CreateStream(), free = device.CreateStream();
        using CudaEvent mark = device.CreateEvent();
        using DeviceBuffer<uint> word = device.AllocateFrom<uint>([7]);
        using DeviceBuffer<int> source = device.AllocateFrom<int>([1, 2]), target = device.AllocateFrom<int>([0, 0]), late = device.AllocateFrom<int>([3, 4]);

        Contexts.WaitForWord(first, word, 0);
        late.Span.CopyTo(source.Span, first);
        mark.Record(first);
        second.Wait(mark);
        source.Span.CopyTo(target.Span, second);
        Assert.False(second.IsCompleted);
        word.Span.Clear(free);
        second.Synchronize();

        Assert.Equal([3, 4], target.ToArray());
    }

    [Fact]
    public void Two_events_measure_the_time_between_them()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using CudaEvent start = device.CreateEvent(timing: true), end = device.CreateEvent(timing: true);
        using DeviceBuffer<byte> buffer = device.Allocate<byte>(64 << 20);
        long begun = Stopwatch.GetTimestamp();
        start.Record(stream);
        buffer.Span.Clear(stream);
        end.Record(stream);
        end.Synchronize();
        TimeSpan outside = Stopwatch.GetElapsedTime(begun), inside = end.ElapsedSince(start);

        // 64 MiB in less than 2 us would be 33 TB/s.
        Assert.InRange(inside, TimeSpan.FromMicroseconds(2), outside + TimeSpan.FromMicroseconds(1));
    }

    [Fact]
    public void A_foreign_stream_is_left_alone_when_its_wrapper_goes()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        CudaStream foreign = Contexts.ForeignStream(device, out nint handle);
        Assert.Equal(handle, foreign.Handle);
        foreign.Dispose();

        using CudaStream again = CudaStream.FromHandle(device, handle);
        using DeviceBuffer<int> buffer = device.AllocateFrom<int>([5]);
        buffer.Span.Clear(again);
        again.Synchronize();
        Assert.Equal([0], buffer.ToArray());
        Contexts.Destroy(device, handle);
    }

    [Fact]
    public void The_legacy_default_stream_is_a_stream_like_others()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream legacy = CudaStream.FromHandle(device, 0);
        using DeviceBuffer<int> buffer = device.AllocateFrom<int>([5]);
        buffer.Span.Clear(legacy);
        legacy.Synchronize();
        Assert.True(legacy.IsCompleted);
        Assert.Equal([0], buffer.ToArray());
        Assert.Throws<CudaException>(() => legacy.BeginCapture());
    }

    [Fact]
    public void What_was_disposed_is_refused_and_its_work_still_runs()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        CudaStream stream = device.CreateStream();
        CudaEvent mark = device.CreateEvent();
        using DeviceBuffer<int> buffer = device.AllocateFrom<int>([5]);
        buffer.Span.Clear(stream);
        mark.Record(stream);
        stream.Dispose();
        stream.Dispose();
        mark.Synchronize();
        mark.Dispose();

        Assert.Equal([0], buffer.ToArray());
        Assert.Throws<ObjectDisposedException>(() => stream.Handle);
        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Clear(stream));
        Assert.Throws<ObjectDisposedException>(() => mark.Handle);
    }
}
