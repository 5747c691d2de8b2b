using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp.Unit;

/// <summary>Keeps what is logged, for a test that waits for it.</summary>
internal sealed class LogCapture : ILogger
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Writer.TryWrite($"{logLevel}: {formatter(state, exception)}");

    /// <summary>The next line that is logged, or was since the last call.</summary>
    internal Task<string> NextAsync(TimeSpan patience) => _lines.Reader.ReadAsync().AsTask().WaitAsync(patience);

    internal bool IsEmpty => !_lines.Reader.TryPeek(out _);
}
