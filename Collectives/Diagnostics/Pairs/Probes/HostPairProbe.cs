using System.Diagnostics;

namespace CollectivesSharp;

/// <summary>Messages between the ranks' host memory: shared memory inside a node, sockets between.</summary>
internal sealed class HostPairProbe(PairMeeting meeting, PairPattern pattern, PairOptions options) : PairProbe(meeting, options)
{
    private readonly byte[] _content = pattern.Of(meeting.Rank);
    private readonly byte[] _arrived = new byte[pattern.Length];
    private readonly byte[] _flag = new byte[8];

    protected override PairTransport Transport => PairTransport.Host;

    public override void Dispose()
    {
    }

    protected override void ClearTarget() => Array.Clear(_arrived);

    protected override void Copy(int peer, bool isSource)
    {
        Move(peer, isSource);
        Acknowledge(peer, isSource);
    }

    protected override long CountWrong(int source) => PairPattern.CountWrong(_arrived, source);

    protected override double? TimeCopies(int peer, bool isSource)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Options.Copies; i++)
            Move(peer, isSource);
        Acknowledge(peer, isSource);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / Options.Copies;
    }

    protected override double? TimeTrips(int peer, bool isSource)
    {
        long start = 0;
        for (int trip = -Options.WarmupRoundTrips; trip < Options.RoundTrips; trip++)
        {
            if (trip == 0)
                start = Stopwatch.GetTimestamp();
            if (isSource)
                Meeting.Send(_flag, peer);
            Meeting.Receive(_flag, peer);
            if (!isSource)
                Meeting.Send(_flag, peer);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds / Options.RoundTrips / 2;
    }

    private void Move(int peer, bool isSource)
    {
        if (isSource)
            Meeting.Send(_content, peer);
        else
            Meeting.Receive(_arrived, peer);
    }

    private void Acknowledge(int peer, bool isSource)
    {
        if (isSource)
            Meeting.Receive(_flag, peer);
        else
            Meeting.Send(_flag, peer);
    }
}
