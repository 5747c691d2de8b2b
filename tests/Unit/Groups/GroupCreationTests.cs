using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Groups;

public sealed class GroupCreationTests
{
    private static readonly GroupOptions s_options = new() { Timeout = TimeSpan.FromSeconds(60) };

    [Fact]
    public async Task Different_options_are_told_to_every_member()
    {
        Exception?[] outcomes = await CreateAsync(3, rank => s_options with { HostChunkBytes = rank == 1 ? 8192 : 4096 });
        Assert.All(outcomes, outcome => Assert.Contains(
            "GroupOptions.HostChunkBytes: ranks 0, 2 have 4096, rank 1 has 8192", Assert.IsType<GroupMismatchException>(outcome).Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Different_names_and_deadlines_are_told_to_every_member()
    {
        Exception?[] outcomes = await CreateAsync(2, rank => s_options with { Name = $"group {rank}", Timeout = TimeSpan.FromSeconds(60 + rank) });
        Assert.All(outcomes, outcome =>
        {
            string message = Assert.IsType<GroupMismatchException>(outcome).Message;
            Assert.Contains("GroupOptions.Name: rank 0 has group 0, rank 1 has group 1", message, StringComparison.Ordinal);
            Assert.Contains("GroupOptions.Timeout: rank 0 has 00:01:00, rank 1 has 00:01:01", message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Different_world_sizes_are_told_to_every_rank_that_came()
    {
        Exception?[] outcomes = await CreateAsync(3, rank => s_options with { WorldSize = rank == 0 ? 2 : 3 });
        Assert.Contains("world size: rank 0 has 2, rank 1 has 3", Assert.IsType<GroupMismatchException>(outcomes[0]).Message, StringComparison.Ordinal);
        Assert.Contains("world size: rank 0 has 2, rank 1 has 3", Assert.IsType<GroupMismatchException>(outcomes[1]).Message, StringComparison.Ordinal);
        Assert.Contains("world size: rank 0 has 2, ranks 1, 2 have 3", Assert.IsType<GroupMismatchException>(outcomes[2]).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task A_rank_that_does_not_come_is_named_to_the_others_at_the_deadline(int missing)
    {
        Exception?[] outcomes = await CreateAsync(4, _ => s_options with { Timeout = TimeSpan.FromSeconds(2.5) }, missing);
        Assert.Equal(3, outcomes.Length);
        Assert.All(outcomes, outcome => Assert.Equal($"Group world can't be made: rank {missing} of 4 did not arrive within 2.5 s.", Assert.IsType<GroupCreationException>(outcome).Message));
    }

    [Fact]
    public async Task A_cancelled_creation_ends_at_once()
    {
        using CancellationTokenSource cancel = new(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            GroupCoordinator.CreateAsync(s_options with { Rank = 1, WorldSize = 2, Store = new InProcessStore() }, cancel.Token).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task More_ranks_than_a_chunk_has_parts_are_refused_with_both_numbers()
    {
        Exception?[] outcomes = await CreateAsync(65, _ => s_options with { HostChunkBytes = 4096 });
        Assert.All(outcomes, outcome => Assert.Contains("65 ranks on one node with HostChunkBytes 4096", Assert.IsType<GroupCreationException>(outcome).Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_segment_larger_than_the_free_shared_memory_is_an_error_with_both_sizes_on_every_member()
    {
        const int Chunk = 256 << 20;
        long free = FreeSharedMemory();
        int ranks = Math.Max(2, (int)(free / (2L * Chunk)) + 1);
        Assert.SkipUnless(ranks <= 128, $"/dev/shm has {free} bytes free: it would take {ranks} ranks to ask for more. SharedSegmentTests asks directly.");
        long needed = SegmentLayout.For(ranks, Chunk).TotalBytes;
        Exception?[] outcomes = await CreateAsync(ranks, _ => s_options with { HostChunkBytes = Chunk });
        Assert.All(outcomes, outcome =>
        {
            string message = Assert.IsType<GroupCreationException>(outcome).Message;
            Assert.Matches($"needs {needed} bytes of shared memory and /dev/shm has [0-9]+ bytes free", message);
            Assert.Contains("--shm-size", message, StringComparison.Ordinal);
        });
        Assert.True(FreeSharedMemory() > free / 2, "The memory was filled.");
    }

    [Fact]
    public void A_new_group_has_distinct_ranks_of_this_one_and_its_caller_among_them() => ThreadRanks.Run(3, group =>
    {
        foreach (int[] ranks in new int[][] { [], [0, 1, 2, 0], [0, 1, 2, 3], [-1, 0, 1, 2] })
        {
            ArgumentException refused = Refused(ranks);
            Assert.Contains($"[{string.Join(", ", ranks)}]", refused.Message, StringComparison.Ordinal);
            Assert.Contains("out of [0, 1, 2]", refused.Message, StringComparison.Ordinal);
        }

        Assert.Contains($"Rank {group.Rank} makes a group", Refused([(group.Rank + 1) % 3]).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => group.NewGroupAsync(null!).GetAwaiter().GetResult());
        group.Barrier();

        ArgumentException Refused(int[] ranks) => Assert.Throws<ArgumentException>(() => { group.NewGroupAsync(ranks).GetAwaiter().GetResult(); });
    }, s_options);

    [Fact]
    public async Task A_disposed_group_makes_no_new_one()
    {
        GroupCoordinator group = await GroupCoordinator.CreateAsync(s_options with { Rank = 0, WorldSize = 1, Store = new InProcessStore() });
        await group.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => group.NewGroupAsync([0]));
        await group.DisposeAsync();
    }

    [Fact]
    public void One_store_serves_many_groups_one_after_the_other()
    {
        InProcessStore store = new();
        for (int round = 0; round < 3; round++)
            ThreadRanks.Run(2, group => group.Barrier(), s_options with { Store = store });
    }

    [Fact]
    public void Ranks_can_meet_in_a_folder()
    {
        string folder = Path.Combine(Path.GetTempPath(), $"collectives-store-{Guid.NewGuid():n}");
        try
        {
            ThreadRanks.Run(3, group => group.Barrier(), s_options with { Store = FileStore.Open(folder) });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Every rank but <paramref name="missing"/> comes; what each of them got.</summary>
    private static async Task<Exception?[]> CreateAsync(int ranks, Func<int, GroupOptions> options, int missing = -1)
    {
        InProcessStore store = new();
        return await Task.WhenAll(Enumerable.Range(0, ranks).Where(rank => rank != missing).Select(rank => Task.Run(() => Record.ExceptionAsync(async () =>
        {
            GroupOptions own = options(rank);
            await using GroupCoordinator group = await GroupCoordinator.CreateAsync(own with { Rank = rank, WorldSize = own.WorldSize ?? ranks, Store = store });
        }).AsTask())));
    }

    private static unsafe long FreeSharedMemory()
    {
        statvfs_t status;
        fixed (byte* path = "/dev/shm\0"u8)
            Assert.Equal(0, PosixNative.statvfs(path, &status));
        return (long)(status.f_bavail * status.f_frsize);
    }
}
