using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace CollectivesSharp.Unit.Rendezvous;

/// <summary>What every store does, however it does it.</summary>
public abstract class StoreTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(50);

    /// <summary>Set before the first rank connects.</summary>
    protected StoreLimits Limits { get; private set; } = StoreLimits.Default;

    /// <summary>One more rank's way to the one store of the test; the test does not dispose it.</summary>
    protected abstract Task<IStore> ConnectAsync();

    [Fact]
    public async Task What_one_rank_sets_every_rank_gets()
    {
        (IStore a, IStore b) = await TwoAsync();
        await a.SetAsync("key", Bytes("first"));
        Assert.Equal("first", Text(await b.GetAsync("key", TimeSpan.Zero)));
        await b.SetAsync("key", Bytes("second"));
        Assert.Equal("second", Text(await a.TryGetAsync("key")));
        Assert.Equal("second", Text(await b.GetAsync("key", s_patience)));
    }

    [Fact]
    public async Task An_empty_value_is_a_value()
    {
        (IStore a, IStore b) = await TwoAsync();
        await a.SetAsync("empty", default);
        Assert.Empty(await b.GetAsync("empty", s_patience));
        Assert.Empty((await b.TryGetAsync("empty"))!);
        Assert.Equal("", Text(await b.CompareSetAsync("empty", null, Bytes("lost"))));
        Assert.Equal("won", Text(await b.CompareSetAsync("empty", [], Bytes("won"))));
    }

    [Fact]
    public async Task Get_waits_until_somebody_sets()
    {
        (IStore a, IStore b) = await TwoAsync();
        Task<byte[]> waiting = b.GetAsync("late", s_patience).AsTask();
        await a.SetAsync("other", Bytes("not this"));
        Assert.False(waiting.IsCompleted);
        await a.SetAsync("late", Bytes("here"));
        Assert.Equal("here", Text(await waiting));
    }

    [Fact]
    public async Task Get_names_the_missing_key_at_its_deadline()
    {
        (IStore a, _) = await TwoAsync();
        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(async () => await a.GetAsync("nobody/sets/this", s_short));
        Assert.Contains("'nobody/sets/this'", late.Message, StringComparison.Ordinal);
        Assert.Contains("0.05 s", late.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<TimeoutException>(async () => await a.GetAsync("nor this", TimeSpan.Zero));
    }

    [Fact]
    public async Task TryGet_of_a_missing_key_is_null_at_once()
    {
        (IStore a, _) = await TwoAsync();
        Assert.Null(await a.TryGetAsync("missing"));
    }

    [Fact]
    public async Task Wait_returns_when_the_last_of_its_keys_comes()
    {
        (IStore a, IStore b) = await TwoAsync();
        await a.SetAsync("1", default);
        Task waiting = b.WaitAsync(["1", "2", "3"], s_patience).AsTask();
        await a.SetAsync("3", default);
        Assert.False(waiting.IsCompleted);
        await a.SetAsync("2", default);
        await waiting;
        await b.WaitAsync([], TimeSpan.Zero);
    }

    [Fact]
    public async Task Wait_names_every_missing_key_and_no_other_at_its_deadline()
    {
        (IStore a, IStore b) = await TwoAsync();
        await a.SetAsync("present", default);
        TimeoutException late = await Assert.ThrowsAsync<TimeoutException>(async () => await b.WaitAsync(["missing/1", "present", "missing/2"], s_short));
        Assert.Contains("'missing/1', 'missing/2'", late.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("present", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_without_a_bound_is_refused()
    {
        (IStore a, _) = await TwoAsync();
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await a.GetAsync("key", Timeout.InfiniteTimeSpan));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await a.WaitAsync(["key"], Timeout.InfiniteTimeSpan));
    }

    [Fact]
    public async Task Additions_of_many_tasks_and_ranks_all_count()
    {
        (IStore a, IStore b) = await TwoAsync();
        const int Tasks = 8, Additions = 20;
        long[][] seen = await Task.WhenAll(Enumerable.Range(0, Tasks).Select(task => Task.Run(async () =>
        {
            IStore store = task % 2 == 0 ? a : b;
            long[] sums = new long[Additions];
            for (int i = 0; i < Additions; i++)
                sums[i] = await store.AddAsync("counter", 1);
            return sums;
        }))).WaitAsync(s_patience);
        Assert.Equal(Enumerable.Range(1, Tasks * Additions).Select(sum => (long)sum), seen.SelectMany(sums => sums).Order());
        Assert.Equal("160", Text(await a.TryGetAsync("counter")));
    }

    [Fact]
    public async Task A_counter_takes_negative_and_large_deltas_and_refuses_to_overflow()
    {
        (IStore a, IStore b) = await TwoAsync();
        Assert.Equal(-5, await a.AddAsync("counter", -5));
        Assert.Equal(long.MaxValue - 5, await b.AddAsync("counter", long.MaxValue));
        await Assert.ThrowsAsync<StoreException>(async () => await a.AddAsync("counter", 6));
        Assert.Equal(long.MaxValue, await a.AddAsync("counter", 5));
    }

    [Fact]
    public async Task Text_is_no_counter()
    {
        (IStore a, _) = await TwoAsync();
        await a.SetAsync("text", Bytes("12 monkeys"));
        StoreException refused = await Assert.ThrowsAsync<StoreException>(async () => await a.AddAsync("text", 1));
        Assert.Contains("'text'", refused.Message, StringComparison.Ordinal);
        Assert.Equal("12 monkeys", Text(await a.TryGetAsync("text")));
    }

    [Fact]
    public async Task Compare_set_writes_only_what_was_expected()
    {
        (IStore a, IStore b) = await TwoAsync();
        Assert.Null(await a.CompareSetAsync("key", Bytes("anything"), Bytes("lost")));
        Assert.Null(await a.TryGetAsync("key"));
        Assert.Equal("1", Text(await a.CompareSetAsync("key", null, Bytes("1"))));
        Assert.Equal("1", Text(await b.CompareSetAsync("key", null, Bytes("2"))));
        Assert.Equal("1", Text(await b.CompareSetAsync("key", Bytes("0"), Bytes("2"))));
        Assert.Equal("2", Text(await b.CompareSetAsync("key", Bytes("1"), Bytes("2"))));
        Assert.Equal("2", Text(await a.TryGetAsync("key")));
    }

    [Fact]
    public async Task Of_many_that_race_one_wins_and_all_know_it()
    {
        (IStore a, IStore b) = await TwoAsync();
        byte[]?[] outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(task =>
            Task.Run(async () => await (task % 2 == 0 ? a : b).CompareSetAsync("leader", null, Bytes($"task {task}"))))).WaitAsync(s_patience);
        Assert.Single(outcomes.Select(Text).Distinct());
        Assert.Equal(Text(await a.TryGetAsync("leader")), Text(outcomes[0]));
    }

    [Fact]
    public async Task A_deleted_key_is_gone_for_everybody()
    {
        (IStore a, IStore b) = await TwoAsync();
        await a.SetAsync("key", Bytes("value"));
        Assert.True(await b.DeleteAsync("key"));
        Assert.False(await a.DeleteAsync("key"));
        Assert.Null(await a.TryGetAsync("key"));
        Assert.Equal(1, await a.AddAsync("key", 1));
    }

    [Fact]
    public async Task Keys_are_told_apart_whatever_they_are_made_of()
    {
        (IStore a, IStore b) = await TwoAsync();
        string longest = new('k', Limits.MaxKeyBytes);
        string[] keys = ["a", "A", "a/b", "a%2Fb", "a b", "..", ".", "/", "../../escape", "lock", "pending", "ключ/鍵", "\0\n*?", "€", longest, longest[..^1]];
        foreach (string key in keys)
            await a.SetAsync(key, Bytes($"value of {key}"));
        foreach (string key in keys)
            Assert.Equal($"value of {key}", Text(await b.TryGetAsync(key)));
    }

    [Fact]
    public async Task A_key_is_neither_empty_nor_too_long()
    {
        (IStore a, IStore b) = await TwoAsync(new StoreLimits { MaxKeyBytes = 20 });
        await a.SetAsync("12345678901234567890", default);
        foreach (string key in new[] { "", "123456789012345678901", "€€€€€€€" })
        {
            await Assert.ThrowsAsync<StoreException>(async () => await a.SetAsync(key, default));
            await Assert.ThrowsAsync<StoreException>(async () => await a.AddAsync(key, 1));
            await Assert.ThrowsAsync<StoreException>(async () => await a.GetAsync(key, s_patience));
        }

        await b.WaitAsync(["12345678901234567890"], s_patience);
        await a.SetAsync("still", Bytes("works"));
    }

    [Fact]
    public async Task Values_and_their_total_are_bounded()
    {
        (IStore a, IStore b) = await TwoAsync(new StoreLimits { MaxValueBytes = 1000, MaxTotalBytes = 3000 });
        await a.SetAsync("1", new byte[1000]);
        await a.SetAsync("2", new byte[1000]);
        StoreException tooLarge = await Assert.ThrowsAsync<StoreException>(async () => await a.SetAsync("2", new byte[1001]));
        Assert.Contains("1001 bytes; the limit is 1000", tooLarge.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreException>(async () => await a.SetAsync("2", new byte[1 << 20]));
        StoreException tooMuch = await Assert.ThrowsAsync<StoreException>(async () => await b.SetAsync("3", new byte[1000]));
        Assert.Contains("the limit is 3000", tooMuch.Message, StringComparison.Ordinal);

        // What was refused left nothing behind, and what is given back can be used again.
        Assert.Null(await a.TryGetAsync("3"));
        await b.SetAsync("2", new byte[500]);
        await b.DeleteAsync("1");
        await a.SetAsync("3", new byte[1000]);
        Assert.Equal(1000, (await b.CompareSetAsync("1", null, new byte[1000]))!.Length);
    }

    [Fact]
    public async Task A_large_value_arrives_whole()
    {
        (IStore a, IStore b) = await TwoAsync();
        byte[] value = RandomNumberGenerator.GetBytes(Limits.MaxValueBytes);
        await a.SetAsync("large", value);
        byte[] arrived = await b.GetAsync("large", s_patience);
        Assert.True(value.AsSpan().SequenceEqual(arrived));
        Assert.Equal("small", Text(await b.CompareSetAsync("large", value, Bytes("small"))));
    }

    [Fact]
    public async Task What_a_rank_does_with_a_value_it_got_changes_nothing_in_the_store()
    {
        (IStore a, IStore b) = await TwoAsync();
        byte[] value = Bytes("value");
        await a.SetAsync("key", value);
        value[0] = 0;
        (await a.GetAsync("key", s_patience))[0] = 0;
        (await a.TryGetAsync("key"))![0] = 0;
        (await a.CompareSetAsync("key", null, default))![0] = 0;
        Assert.Equal("value", Text(await b.TryGetAsync("key")));
    }

    [Fact]
    public async Task A_cancelled_wait_ends_at_once_and_the_store_goes_on()
    {
        (IStore a, IStore b) = await TwoAsync();
        using CancellationTokenSource cancel = new();
        Task get = a.GetAsync("never", s_patience, cancel.Token).AsTask();
        Task wait = a.WaitAsync(["never", "ever"], s_patience, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await get.WaitAsync(s_patience / 2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await wait.WaitAsync(s_patience / 2));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await a.SetAsync("key", default, cancel.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await a.TryGetAsync("key", cancel.Token));
        Assert.Null(await b.TryGetAsync("key"));
        await a.SetAsync("key", Bytes("value"));
        Assert.Equal("value", Text(await a.GetAsync("key", s_patience)));
    }

    [Fact]
    public async Task Many_waiters_on_many_keys_all_get_their_own()
    {
        (IStore a, IStore b) = await TwoAsync();
        Task<byte[]>[] waiting = [.. Enumerable.Range(0, 40).Select(i => (i % 2 == 0 ? a : b).GetAsync($"key/{i / 2}", s_patience).AsTask())];
        await Task.WhenAll(Enumerable.Range(0, 20).Reverse().Select(i => Task.Run(async () => await (i % 3 == 0 ? a : b).SetAsync($"key/{i}", Bytes($"{i}")))));
        byte[][] values = await Task.WhenAll(waiting).WaitAsync(s_patience);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"{i / 2}"), values.Select(Text));
    }

    private async Task<(IStore A, IStore B)> TwoAsync(StoreLimits? limits = null)
    {
        Limits = limits ?? Limits;
        return (await ConnectAsync(), await ConnectAsync());
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string? Text(byte[]? value) => value is null ? null : Encoding.UTF8.GetString(value);
}
