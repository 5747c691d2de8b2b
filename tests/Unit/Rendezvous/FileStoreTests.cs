using Xunit;

namespace CollectivesSharp.Unit.Rendezvous;

public sealed class FileStoreTests : StoreTests, IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"collectives-store-{Guid.NewGuid():n}");

    private static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    protected override Task<IStore> ConnectAsync() => Task.FromResult<IStore>(FileStore.Open(_folder, Limits));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_folder_is_made_for_its_user_alone()
    {
        FileStore.Open(Path.Combine(_folder, "deep", "inside"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(_folder, "deep", "inside")));
    }

    [Fact]
    public async Task Values_outlive_the_store_that_wrote_them()
    {
        await using (FileStore first = FileStore.Open(_folder))
            await first.SetAsync("key", "value"u8.ToArray());
        await using FileStore second = FileStore.Open(_folder);
        Assert.Equal("value"u8.ToArray(), await second.TryGetAsync("key"));
    }

    [Fact]
    public async Task A_change_waits_for_the_lock_and_a_reader_does_not()
    {
        await using FileStore store = FileStore.Open(_folder);
        await store.SetAsync("key", "old"u8.ToArray());
        Task change;
        using (new FileStream(Path.Combine(_folder, "lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            change = store.SetAsync("key", "new"u8.ToArray()).AsTask();
            Assert.Equal("old"u8.ToArray(), await store.GetAsync("key", Patience));
            Assert.False(change.IsCompleted);

            using CancellationTokenSource cancel = new(TimeSpan.FromMilliseconds(20));
            await using FileStore other = FileStore.Open(_folder);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await other.AddAsync("counter", 1, cancel.Token));
        }

        await change.WaitAsync(Patience);
        Assert.Equal("new"u8.ToArray(), await store.GetAsync("key", Patience));
    }

    [Fact]
    public async Task What_a_dead_writer_left_half_done_is_not_seen_and_not_in_the_way()
    {
        await using FileStore store = FileStore.Open(_folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "pending"), "half a val");
        await File.WriteAllTextAsync(Path.Combine(_folder, "lock"), "");
        Assert.Null(await store.TryGetAsync("pending"));
        await store.SetAsync("key", "whole"u8.ToArray());
        Assert.Equal("whole"u8.ToArray(), await store.TryGetAsync("key"));
    }

    [Fact]
    public async Task A_removed_folder_is_a_store_that_can_not_be_reached()
    {
        await using FileStore store = FileStore.Open(_folder);
        Task waiting = store.GetAsync("key", Patience).AsTask();
        Task waitingForMany = store.WaitAsync(["key"], Patience).AsTask();
        Directory.Delete(_folder, recursive: true);
        Assert.Contains(_folder, (await Assert.ThrowsAsync<StoreException>(() => waiting.WaitAsync(Patience / 2))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreException>(() => waitingForMany.WaitAsync(Patience / 2));
        await Assert.ThrowsAsync<StoreException>(async () => await store.SetAsync("key", default));
    }

    [Fact]
    public void A_folder_that_can_not_be_made_is_named()
    {
        Directory.CreateDirectory(_folder);
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.Contains(Path.Combine(file, "store"), Assert.Throws<StoreException>(() => FileStore.Open(Path.Combine(file, "store"))).Message, StringComparison.Ordinal);
    }
}
