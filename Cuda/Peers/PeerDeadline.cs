namespace CollectivesSharp.Cuda;

/// <summary>One deadline for many steps.</summary>
internal sealed class PeerDeadline(TimeSpan timeout, CancellationToken cancellationToken)
{
    private readonly long _end = Environment.TickCount64 + (long)timeout.TotalMilliseconds;

    internal TimeSpan Timeout => timeout;

    internal CancellationToken CancellationToken => cancellationToken;

    /// <summary>Never negative.</summary>
    internal TimeSpan Left => TimeSpan.FromMilliseconds(Math.Max(0, _end - Environment.TickCount64));
}
