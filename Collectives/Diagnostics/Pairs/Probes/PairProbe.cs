using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>One way to measure a pair. Both ranks of it call <see cref="Measure"/>, and go through the same steps, also when one of them has failed.</summary>
internal abstract class PairProbe(PairMeeting meeting, PairOptions options) : IDisposable
{
    private string? _objection;

    protected PairMeeting Meeting => meeting;

    protected PairOptions Options => options;

    protected abstract PairTransport Transport { get; }

    internal PairShare Measure(int from, int to)
    {
        bool isSource = meeting.Rank == from;
        int peer = isSource ? to : from;
        _objection = null;
        if (!isSource)
            Try(ClearTarget);
        meeting.With(peer);
        Try(() => Copy(peer, isSource));
        meeting.With(peer);
        long wrong = 0;
        if (!isSource)
            Try(() => wrong = CountWrong(from));

        double?[] copies = new double?[options.Samples], trips = new double?[options.Samples];
        foreach (double?[] times in new[] { copies, trips })
        {
            for (int sample = 0; sample < times.Length; sample++)
            {
                meeting.With(peer);
                double? time = null;
                Try(() => time = times == copies ? TimeCopies(peer, isSource) : TimeTrips(peer, isSource));
                times[sample] = time;
            }
        }

        meeting.With(peer);
        return new PairShare(from, to, Transport) { Seconds = isSource ? Median(copies) : null, Latency = isSource ? Median(trips) : null, WrongBytes = wrong, Objection = _objection };
    }

    public abstract void Dispose();

    /// <summary>By the target: none of what is there now may pass for what is sent.</summary>
    protected abstract void ClearTarget();

    /// <summary>Once. By both; the target's content is there when the source has returned.</summary>
    protected abstract void Copy(int peer, bool isSource);

    /// <summary>By the target.</summary>
    protected abstract long CountWrong(int source);

    /// <summary>By both. Seconds a copy, to the source.</summary>
    protected abstract double? TimeCopies(int peer, bool isSource);

    /// <summary>By both. Half of a round trip's seconds, to the source; null with an objection.</summary>
    protected abstract double? TimeTrips(int peer, bool isSource);

    protected void Object(string objection) => _objection ??= objection;

    /// <summary>A device that refuses something is told of with its pair; a fault of the group ends everything.</summary>
    private void Try(Action step)
    {
        if (_objection is not null)
            return;
        try
        {
            step();
        }
        catch (CudaException e) when (meeting.Group is { IsFaulted: false })
        {
            _objection = $"rank {meeting.Group.Rank}: {e.Message}";
        }
    }

    private static double? Median(double?[] times)
    {
        double[] known = [.. times.OfType<double>().Order()];
        return known.Length == times.Length ? known[known.Length / 2] : null;
    }
}
