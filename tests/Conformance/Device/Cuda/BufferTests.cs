using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device.Cuda;

public sealed class BufferTests
{
    public static TheoryData<DeviceMemoryKind> Kinds => [DeviceMemoryKind.Plain, DeviceMemoryKind.Shareable, DeviceMemoryKind.StreamOrdered];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Content_comes_back_as_it_went(DeviceMemoryKind kind)
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        foreach (int length in (int[])[1, 3, 1000, 3_000_001])
        {
            byte[] content = new byte[length];
            new Random(length).NextBytes(content);
            using DeviceBuffer<byte> buffer = Allocate<byte>(device, stream, kind, length);
            stream.Synchronize();
            buffer.CopyFrom(content);

            Assert.Equal((kind, (nuint)length, device), (buffer.Kind, buffer.Length, buffer.Device));
            Assert.Same(device, CudaDevice.OfPointer(buffer.Pointer));
            Assert.True(content.AsSpan().SequenceEqual(buffer.ToArray()), $"{length} bytes of {kind} memory");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_buffer_of_nothing_can_be_used_like_any_other(DeviceMemoryKind kind)
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<long> buffer = Allocate<long>(device, stream, kind, 0);

        buffer.CopyFrom([]);
        buffer.Span.Clear(stream);
        buffer.Span.CopyTo(buffer.Span, stream);

        Assert.Equal(0, buffer.Pointer);
        Assert.True(buffer.Span.IsEmpty);
        Assert.Empty(buffer.ToArray());
    }

    [Fact]
    public void Parts_are_copied_and_cleared_on_a_stream()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<int> buffer = device.AllocateFrom<int>([1, 2, 3, 4, 5, 6, 7]);

        buffer.Span.Slice(1, 2).CopyTo(buffer.Span.Slice(5), stream);
        buffer.Span.Slice(3, 1).Clear(stream);
        stream.Synchronize();

        Assert.Equal([1, 2, 3, 0, 5, 2, 3], buffer.ToArray());
        Assert.Equal((nuint)3, buffer.Span.Slice(0, 7).Cast<long>().Length);
        Assert.Equal(buffer.Pointer + 8, buffer.Span.Slice(2).Pointer);
    }

    [Fact]
    public void Shareable_memory_is_written_by_every_device_that_reaches_it()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using DeviceBuffer<int> target = device.Allocate<int>(100, DeviceMemoryKind.Shareable);
        foreach (CudaDevice peer in CudaDevice.All.Where(peer => peer != device && peer.CanAccess(device)))
        {
            int[] content = [.. Enumerable.Range(peer.Ordinal * 1000, 100)];
            using CudaStream stream = peer.CreateStream();
            using DeviceBuffer<int> source = peer.AllocateFrom<int>(content);
            source.Span.CopyTo(target.Span, stream);
            stream.Synchronize();
            Assert.Equal(content, target.ToArray());
        }
    }

    [Fact]
    public void Addresses_of_shareable_memory_do_not_come_twice()
    {
        HashSet<nint> seen = [];
        for (int i = 0; i < 5; i++)
        {
            using DeviceBuffer<int> buffer = DeviceWorld.OwnDevice().Allocate<int>(1 << 20, DeviceMemoryKind.Shareable);
            Assert.True(seen.Add(buffer.Pointer), $"0x{buffer.Pointer:x} again: NCCL may still take it for what was there before");
        }
    }

    [Fact]
    public void A_disposed_buffer_is_refused_and_may_be_disposed_again()
    {
        DeviceBuffer<int> buffer = DeviceWorld.OwnDevice().Allocate<int>(10);
        buffer.Dispose();
        buffer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => buffer.Pointer);
        Assert.Throws<ObjectDisposedException>(() => buffer.Span);
        Assert.Throws<ObjectDisposedException>(() => buffer.ToArray());
    }

    [Fact]
    public void Freed_memory_can_be_had_again()
    {
        CudaDevice device = DeviceWorld.OwnDevice();

        // An eighth of the device at a time, and more in all than it has.
        nuint part = device.TotalMemory / 16;
        for (int round = 0; round < 10; round++)
        {
            using DeviceBuffer<byte> plain = device.Allocate<byte>(part), shareable = device.Allocate<byte>(part, DeviceMemoryKind.Shareable);
        }
    }

    [Fact]
    public void What_can_not_be_is_said_with_what_was_found()
    {
        CudaDevice device = DeviceWorld.OwnDevice();
        using CudaStream stream = device.CreateStream();
        using DeviceBuffer<int> buffer = device.AllocateFrom<int>([1, 2, 3]);
        nuint tooMuch = (nuint)1 << 46;

        foreach (DeviceMemoryKind kind in (DeviceMemoryKind[])[DeviceMemoryKind.Plain, DeviceMemoryKind.Shareable])
        {
            CudaException full = Assert.Throws<CudaException>(() => device.Allocate<byte>(tooMuch, kind));
            Assert.Equal(CUresult.CUDA_ERROR_OUT_OF_MEMORY, full.Result);
            Assert.Contains($"of {device.TotalMemory} bytes are free", full.Message, StringComparison.Ordinal);
        }

        Assert.Throws<OverflowException>(() => device.Allocate<long>(nuint.MaxValue / 4));
        Assert.Contains(nameof(CudaStream.Allocate), Assert.Throws<ArgumentException>(() => device.Allocate<int>(1, DeviceMemoryKind.StreamOrdered)).Message, StringComparison.Ordinal);
        Assert.Equal("A copy of 2 elements into 3.", Assert.Throws<ArgumentException>(() => buffer.CopyFrom([1, 2])).Message);
        Assert.Equal("A copy of 3 elements into 4.", Assert.Throws<ArgumentException>(() => buffer.CopyTo(new int[4])).Message);
        Assert.Equal("A copy of 3 elements into 1.", Assert.Throws<ArgumentException>(() => buffer.Span.CopyTo(buffer.Span.Slice(2), stream)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Span.Slice(2, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Span.Slice(4));
        Assert.Equal([1, 2, 3], buffer.ToArray());
    }

    [Fact]
    public void An_unknown_device_is_refused_with_a_list_of_those_that_are_there()
    {
        _ = DeviceWorld.OwnDevice();
        ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => CudaDevice.Get(CudaDevice.All.Count));
        Assert.Contains(CudaDevice.All[0].PciBusId, refused.Message, StringComparison.Ordinal);
    }

    private static DeviceBuffer<T> Allocate<T>(CudaDevice device, CudaStream stream, DeviceMemoryKind kind, int length)
        where T : unmanaged
        => kind == DeviceMemoryKind.StreamOrdered ? stream.Allocate<T>((nuint)length) : device.Allocate<T>((nuint)length, kind);
}
