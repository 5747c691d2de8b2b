namespace CollectivesSharp;

/// <summary>
/// The store that a world and its sub-groups share; the last of them to be disposed lets go of it. The rank that serves it waits until the others have
/// let go of theirs, so that nobody loses the store while it still makes groups.
/// </summary>
internal sealed class StoreLease(IStore store, StoreServer? server, bool owned, TimeSpan timeout)
{
    private int _holders = 1;

    internal IStore Store { get; } = store;

    internal StoreLease Share()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    internal async ValueTask ReleaseAsync()
    {
        if (Interlocked.Decrement(ref _holders) != 0 || !owned)
            return;
        if (server is not null)
        {
            try
            {
                await server.WaitForClientsToLeaveAsync(timeout).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Somebody keeps its group without end; it will be told that the store is gone.
            }

            await server.DisposeAsync().ConfigureAwait(false);
        }

        await Store.DisposeAsync().ConfigureAwait(false);
    }
}
