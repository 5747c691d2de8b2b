using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>What measurements on devices share: a stream, a clock of two events, a buffer with this rank's pattern.</summary>
internal abstract class DevicePairProbe : PairProbe
{
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(2 * PingPong.PatienceSeconds);

    private readonly CudaEvent _start;
    private readonly CudaEvent _end;

    protected DevicePairProbe(PairMeeting meeting, PairPattern pattern, PairOptions options)
        : base(meeting, options)
    {
        Device = meeting.Group.Device!;
        Bytes = (nuint)pattern.Length;
        Content = Device.AllocateFrom<byte>(pattern.Of(meeting.Rank));
        Stream = Device.CreateStream();
        _start = Device.CreateEvent(timing: true);
        _end = Device.CreateEvent(timing: true);
    }

    protected CudaDevice Device { get; }

    protected nuint Bytes { get; }

    protected CudaStream Stream { get; }

    protected DeviceBuffer<byte> Content { get; }

    /// <summary>Where a peer's content arrives on this rank.</summary>
    protected abstract DeviceSpan<byte> Arrived { get; }

    public override void Dispose()
    {
        _start.Dispose();
        _end.Dispose();
        Stream.Dispose();
        Content.Dispose();
    }

    protected override void ClearTarget()
    {
        Arrived.Clear(Stream);
        Wait();
    }

    protected override long CountWrong(int source)
    {
        byte[] arrived = new byte[Bytes];
        Arrived.CopyTo(Device, arrived);
        return PairPattern.CountWrong(arrived, source);
    }

    /// <summary>Of everything that <paramref name="enqueue"/> puts on the stream.</summary>
    protected double Time(Action enqueue)
    {
        _start.Record(Stream);
        enqueue();
        _end.Record(Stream);
        Wait();
        return _end.ElapsedSince(_start).TotalSeconds;
    }

    /// <summary>Whether everything that this rank has enqueued is over: at once, unless the group is faulted. Kernels here end by themselves.</summary>
    protected bool Drain()
    {
        try
        {
            long start = Environment.TickCount64;
            while (!Stream.IsCompleted)
            {
                if (Environment.TickCount64 - start > s_drain.TotalMilliseconds)
                    return false;
                Thread.Sleep(1);
            }
        }
        catch (CudaException)
        {
            // The context is gone, and all work with it.
        }

        return true;
    }

    protected void Wait() => Meeting.Group.Synchronize(Stream, Options.Timeout, Meeting.Call.CancellationToken);
}
