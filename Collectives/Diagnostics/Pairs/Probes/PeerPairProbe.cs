using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The source's copy engine writes into the target's memory; a kernel on each side sends a flag to and fro.</summary>
internal sealed class PeerPairProbe : DevicePairProbe
{
    private readonly PairMemory _memory;
    private readonly PingPong? _flag;

    internal PeerPairProbe(PairMeeting meeting, PairPattern pattern, PairOptions options, PairMemory memory)
        : base(meeting, pattern, options)
    {
        _memory = memory;
        try
        {
            _flag = new PingPong(Device, memory, meeting.Rank);
        }
        catch (Exception e) when (e is CudaException or KernelCompilationException or Interop.NativeLibraryNotFoundException)
        {
            FlagObjection = e.Message.Split('\n')[0].Trim();
        }
    }

    /// <summary>Why no flag can be sent; the same on both ranks of a pair before they measure.</summary>
    internal string? FlagObjection { get; set; }

    protected override PairTransport Transport => PairTransport.PeerMemory;

    protected override DeviceSpan<byte> Arrived => new(_memory.Own + PingPong.Bytes, Bytes);

    public override void Dispose()
    {
        if (!Drain())
            _memory.Leave();
        _flag?.Dispose();
        base.Dispose();
    }

    protected override void Copy(int peer, bool isSource)
    {
        if (!isSource)
            return;
        Enqueue(peer);
        Wait();
    }

    protected override double? TimeCopies(int peer, bool isSource)
    {
        if (!isSource)
            return null;
        return Time(() =>
        {
            for (int i = 0; i < Options.Copies; i++)
                Enqueue(peer);
        }) / Options.Copies;
    }

    protected override double? TimeTrips(int peer, bool isSource)
    {
        GroupMember here = Meeting.Group.Members[Meeting.Rank], there = Meeting.Group.Members[peer];
        if (FlagObjection is not null)
            Object($"no latency: {FlagObjection}");
        else if (here.Device!.Uuid == there.Device!.Uuid && here.ProcessId != there.ProcessId)
            Object("no latency: the ranks are processes that share a GPU, whose kernels take turns");
        else
        {
            _flag!.Launch(Stream, peer, isSource, Options);
            Wait();
            if (_flag.Result(out double seconds, out long trips))
                return seconds;
            Object($"rank {Meeting.Group.Rank}: the flag of rank {Meeting.Group.Ranks[peer]} did not come within {PingPong.PatienceSeconds} s, after {trips} that did");
        }

        return null;
    }

    private void Enqueue(int peer) => Content.Span.CopyTo(new DeviceSpan<byte>(_memory.Address(peer) + PingPong.Bytes, Bytes), Stream);
}
