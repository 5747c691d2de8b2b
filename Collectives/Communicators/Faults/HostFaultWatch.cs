namespace CollectivesSharp;

/// <summary>A token that is cancelled as soon as the group's host memory shows a fault: for what waits for peers by other ways while a group is made.</summary>
internal sealed class HostFaultWatch : IAsyncDisposable
{
    private const int PeriodMilliseconds = 20;

    private readonly IHostCommunicator? _host;
    private readonly CancellationTokenSource _source;
    private readonly Timer? _timer;
    private CollectiveException? _fault;

    /// <param name="host">Null: nothing to watch.</param>
    /// <param name="cancellationToken">Cancels the token as well.</param>
    internal HostFaultWatch(IHostCommunicator? host, CancellationToken cancellationToken)
    {
        _host = host;
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Token = _source.Token;
        if (host is not null)
            _timer = new Timer(_ => Look(), null, PeriodMilliseconds, PeriodMilliseconds);
    }

    internal CancellationToken Token { get; }

    internal CollectiveException? Fault => Volatile.Read(ref _fault);

    public async ValueTask DisposeAsync()
    {
        if (_timer is not null)
            await _timer.DisposeAsync().ConfigureAwait(false);
        _source.Dispose();
    }

    private void Look()
    {
        if (Fault is not null || _host!.Fault is not { } fault || Interlocked.CompareExchange(ref _fault, fault, null) is not null)
            return;
        _source.Cancel();
    }
}
