namespace CollectivesSharp.Failures;

/// <summary>A store that does something else when the first key with <paramref name="part"/> in its name is read or written.</summary>
internal sealed class HookedStore(IStore inner, string part, Func<CancellationToken, Task> hook) : IStore
{
    public async ValueTask SetAsync(string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        await HookAsync(key, cancellationToken);
        await inner.SetAsync(key, value, cancellationToken);
    }

    public async ValueTask<byte[]> GetAsync(string key, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        await HookAsync(key, cancellationToken);
        return await inner.GetAsync(key, timeout, cancellationToken);
    }

    public ValueTask<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken = default) => inner.TryGetAsync(key, cancellationToken);

    public ValueTask WaitAsync(IReadOnlyList<string> keys, TimeSpan timeout, CancellationToken cancellationToken = default) => inner.WaitAsync(keys, timeout, cancellationToken);

    public ValueTask<long> AddAsync(string key, long delta, CancellationToken cancellationToken = default) => inner.AddAsync(key, delta, cancellationToken);

    public ValueTask<byte[]?> CompareSetAsync(string key, byte[]? expected, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
        inner.CompareSetAsync(key, expected, value, cancellationToken);

    public ValueTask<bool> DeleteAsync(string key, CancellationToken cancellationToken = default) => inner.DeleteAsync(key, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private Task HookAsync(string key, CancellationToken cancellationToken) => key.Contains(part, StringComparison.Ordinal) ? hook(cancellationToken) : Task.CompletedTask;
}
