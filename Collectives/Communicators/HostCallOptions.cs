namespace CollectivesSharp;

/// <summary>How long a blocking host call may take. Default: the group's timeout, not cancellable.</summary>
public readonly record struct HostCallOptions
{
    /// <summary>Null: <see cref="GroupOptions.Timeout"/>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// Cancelling a call that waits for its peers aborts the group: they can't complete it without this rank. The cancelled rank gets
    /// <see cref="OperationCanceledException"/>, its peers <see cref="GroupAbortedException"/>.
    /// </summary>
    public CancellationToken CancellationToken { get; init; }
}
