using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>NCCL's send and receive, where GPUs don't reach each other: over host memory, an adapter, a socket.</summary>
internal sealed class NcclPairProbe : DevicePairProbe
{
    /// <summary>Each is two launches of NCCL's kernels on either side.</summary>
    private const int MostRoundTrips = 100;

    private readonly DeviceBuffer<byte> _arrived;

    internal NcclPairProbe(PairMeeting meeting, PairPattern pattern, PairOptions options)
        : base(meeting, pattern, options)
    {
        _arrived = Device.Allocate<byte>(Bytes);
    }

    protected override PairTransport Transport => PairTransport.Nccl;

    protected override DeviceSpan<byte> Arrived => _arrived.Span;

    public override void Dispose()
    {
        _arrived.Dispose();
        base.Dispose();
    }

    protected override void Copy(int peer, bool isSource)
    {
        Move(peer, isSource, Bytes);
        Wait();
    }

    protected override double? TimeCopies(int peer, bool isSource) => Time(() =>
    {
        for (int i = 0; i < Options.Copies; i++)
            Move(peer, isSource, Bytes);
    }) / Options.Copies;

    protected override double? TimeTrips(int peer, bool isSource)
    {
        // The first one is the warm-up: it opens the way back.
        int trips = Math.Min(MostRoundTrips, Options.RoundTrips);
        Trip(peer, isSource);
        return Time(() =>
        {
            for (int i = 0; i < trips; i++)
                Trip(peer, isSource);
        }) / trips / 2;
    }

    private void Trip(int peer, bool isSource)
    {
        Move(peer, isSource, sizeof(ulong));
        Move(peer, !isSource, sizeof(ulong));
    }

    private void Move(int peer, bool isSource, nuint bytes)
    {
        if (isSource)
            Meeting.Group.Send(Content.Span.Slice(0, bytes), peer, Stream);
        else
            Meeting.Group.Receive(Arrived.Slice(0, bytes), peer, Stream);
    }
}
