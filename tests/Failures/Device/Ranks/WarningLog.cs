using Microsoft.Extensions.Logging;

namespace CollectivesSharp.Failures;

/// <summary>Keeps warnings of the SDK for a rank that asks for them.</summary>
internal sealed class WarningLog : ILogger, ILoggerFactory
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    internal static WarningLog Factory { get; } = new();

    internal string Text
    {
        get
        {
            lock (_lock)
                return string.Join('\n', _lines);
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lock)
            _lines.Add(formatter(state, exception));
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
