using System.Text;

namespace CollectivesSharp;

/// <summary>A store for ranks that are threads of one process: all ranks share the object. Disposing it changes nothing.</summary>
public sealed class InProcessStore(StoreLimits? limits = null) : IStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, byte[]> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TaskCompletionSource> _waiters = new(StringComparer.Ordinal);
    private long _totalBytes;

    public StoreLimits Limits { get; } = limits ?? StoreLimits.Default;

    public ValueTask SetAsync(string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
            Write(key, value.ToArray());
        return ValueTask.CompletedTask;
    }

    public async ValueTask<byte[]> GetAsync(string key, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        long deadline = Environment.TickCount64 + Milliseconds(timeout);
        while (true)
        {
            Task created;
            lock (_lock)
            {
                if (_values.TryGetValue(key, out byte[]? value))
                    return [.. value];
                Limits.CheckKey(key);
                created = Created(key);
            }

            await WaitUntilAsync(created, [key], deadline, timeout, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
            return ValueTask.FromResult(Copy(_values.GetValueOrDefault(key)));
    }

    public async ValueTask WaitAsync(IReadOnlyList<string> keys, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        long deadline = Environment.TickCount64 + Milliseconds(timeout);
        while (true)
        {
            Task created;
            lock (_lock)
            {
                string? missing = keys.FirstOrDefault(key => !_values.ContainsKey(key));
                if (missing is null)
                    return;
                Limits.CheckKey(missing);
                created = Created(missing);
            }

            await WaitUntilAsync(created, keys, deadline, timeout, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask<long> AddAsync(string key, long delta, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            long sum = StoreCounter.Add(key, _values.GetValueOrDefault(key), delta);
            Write(key, StoreCounter.Format(sum));
            return ValueTask.FromResult(sum);
        }
    }

    public ValueTask<byte[]?> CompareSetAsync(string key, byte[]? expected, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            byte[]? current = _values.GetValueOrDefault(key);
            bool matches = expected is null ? current is null : current is not null && expected.AsSpan().SequenceEqual(current);
            if (matches)
                Write(key, current = value.ToArray());
            return ValueTask.FromResult(Copy(current));
        }
    }

    public ValueTask<bool> DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (!_values.Remove(key, out byte[]? value))
                return ValueTask.FromResult(false);
            _totalBytes -= Encoding.UTF8.GetByteCount(key) + value.Length;
            return ValueTask.FromResult(true);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>A caller may write to what it got.</summary>
    private static byte[]? Copy(byte[]? value) => value is null ? null : [.. value];

    private static long Milliseconds(TimeSpan timeout) =>
        timeout < TimeSpan.Zero ? throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "A store waits for a bounded time.") : (long)timeout.TotalMilliseconds;

    private async Task WaitUntilAsync(Task created, IReadOnlyList<string> keys, long deadline, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long left = Math.Clamp(deadline - Environment.TickCount64, 0, int.MaxValue);
        try
        {
            await created.WaitAsync(TimeSpan.FromMilliseconds(left), cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            string[] missing;
            lock (_lock)
                missing = [.. keys.Where(key => !_values.ContainsKey(key))];
            if (missing.Length > 0)
                throw new TimeoutException($"Store: after {timeout.TotalSeconds:0.###} s nobody had set {string.Join(", ", missing.Select(key => $"'{key}'"))}.");
        }
    }

    /// <summary>Completes at the key's next write. The lock is held.</summary>
    private Task Created(string key)
    {
        if (!_waiters.TryGetValue(key, out TaskCompletionSource? source))
            _waiters[key] = source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return source.Task;
    }

    private void Write(string key, byte[] value)
    {
        int keyBytes = Limits.CheckKey(key);
        Limits.CheckValue(key, value.Length);
        long total = _totalBytes + (_values.TryGetValue(key, out byte[]? old) ? value.Length - old.Length : keyBytes + value.Length);
        Limits.CheckTotal(key, total);
        _totalBytes = total;
        _values[key] = value;
        if (_waiters.Remove(key, out TaskCompletionSource? source))
            source.SetResult();
    }
}
