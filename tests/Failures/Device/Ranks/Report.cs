namespace CollectivesSharp.Failures;

/// <summary>How a step of a device rank ended; one line of JSON on standard output. <paramref name="Exception"/> is "" where it went well.</summary>
public sealed record Report(int Rank, string Step, string Exception, string Message, double Seconds, int LostRank = -1, int LostProcess = 0, string? Reason = null)
{
    internal static Report Of(int rank, string step, Exception? e, double seconds, string message = "") => e is null
        ? new Report(rank, step, "", message, seconds)
        : new Report(rank, step, e.GetType().Name, e.Message, seconds, (e as PeerLostException)?.Rank ?? -1, (e as PeerLostException)?.ProcessId ?? 0, (e as PeerLostException)?.Reason.ToString());
}
