using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance.Device;

/// <summary>One rank: its group, its GPU and a stream that lives as long as the group.</summary>
internal sealed class DeviceRank : IDisposable
{
    internal DeviceRank(GroupCoordinator group)
    {
        Group = group;
        Device = group.Device ?? throw new InvalidOperationException($"Rank {group.Rank} has no GPU: {group.DeviceObjection}");
        _ = group.DeviceCommunicator ?? throw new InvalidOperationException($"The group can't move device memory: {group.DeviceObjection}");

        // All ranks' one behind the other: the driver gives streams its queues in turn, and where ranks share a device two of them must not have the same.
        group.Barrier();
        Stream = NewStream();
    }

    internal GroupCoordinator Group { get; }

    internal CudaDevice Device { get; }

    internal CudaStream Stream { get; }

    internal int Rank => Group.RankInGroup;

    internal int Size => Group.WorldSize;

    /// <summary>Few and small cases: between nodes that one machine plays NCCL goes over sockets.</summary>
    internal bool IsBrief => Group.NodeCount > 1 || DeviceWorld.IsBrief;

    internal int Next => (Rank + 1) % Size;

    internal int Previous => (Rank + Size - 1) % Size;

    /// <summary>
    /// Returns when the stream's work is done on every rank. Comes before memory is allocated or freed: the driver may wait for kernels then, which may wait for a rank that waits for the driver.
    /// </summary>
    internal void Meet()
    {
        Group.Synchronize(Stream);
        Group.Barrier();
    }

    /// <summary>NCCL 2.24.3 was the first with fp8.</summary>
    internal bool Moves(DataType type) => type is not (DataType.Float8E4M3 or DataType.Float8E5M2) || Group.Nccl is not { Version: < 22403 };

    internal DeviceBuffer<T> Buffer<T>(params ReadOnlySpan<T> content)
        where T : unmanaged
        => Device.AllocateFrom(content);

    /// <summary>On all ranks: a stream whose first kernel has run, on every rank before one of them goes on to call, see <see cref="CudaDevice.CreateStream"/>.</summary>
    internal CudaStream NewStream()
    {
        CudaStream stream = Device.CreateStream();
        stream.Synchronize();
        Group.Barrier();
        return stream;
    }

    /// <summary>A graph of what <paramref name="calls"/> enqueues on the stream.</summary>
    internal CudaGraph Capture(Action calls)
    {
        using GraphCapture capture = Stream.BeginCapture();
        calls();
        return capture.End();
    }

    public void Dispose() => Stream.Dispose();
}
