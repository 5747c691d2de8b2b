using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Communicators;

public sealed class CorePlacementTests : IDisposable
{
    private const int Ranks = 4;

    private readonly SharedSegment _segment;

    public CorePlacementTests()
    {
        long bytes = new SegmentLayout(Ranks, 4096).TotalBytes;
        int descriptor = SharedSegment.Create(bytes);
        _segment = SharedSegment.Map(descriptor, bytes);
        PosixNative.close(descriptor);
    }

    public void Dispose() => _segment.Dispose();

    [Fact]
    public void A_rank_knows_which_peers_share_its_core()
    {
        CorePlacement[] ranks = Place(5, 6, 5, 5);
        Assert.Equal([true, false, true, true], Enumerable.Range(0, Ranks).Select(ranks[0].IsHere));
        Assert.Equal([false, true, false, false], Enumerable.Range(0, Ranks).Select(ranks[1].IsHere));
        ranks[2].Note(6);
        Assert.False(ranks[0].IsHere(2));
        Assert.True(ranks[1].IsHere(2));
    }

    [Fact]
    public void A_rank_whose_core_is_not_known_is_nowhere()
    {
        CorePlacement[] ranks = Place(0, -1, -1, 0);
        Assert.False(ranks[0].IsHere(1));
        Assert.False(ranks[1].IsHere(2));
    }

    [Fact]
    public void Room_is_on_the_allowed_core_with_the_fewest_ranks_if_those_are_less_than_its_share()
    {
        CorePlacement[] ranks = Place(0, 0, 0, 9);
        Assert.Equal(9, ranks[2].FindRoom([0b1, 0b10]));
        Assert.Equal(8, ranks[2].FindRoom([0b1, 0b11]));
        Assert.Equal(-1, ranks[2].FindRoom([0b1, 0]));
        Assert.Equal(-1, ranks[2].FindRoom([]));
        ranks[2].Note(9);
        Assert.Equal(-1, ranks[0].FindRoom([0b1, 0b10]));
    }

    [Fact]
    public void The_last_rank_of_a_core_with_more_than_its_share_moves_and_may_run_where_it_could_before()
    {
        byte[] allowed = Affinity();
        int[] cores = [.. Enumerable.Range(0, 8 * allowed.Length).Where(core => (allowed[core / 8] & (1 << (core % 8))) != 0)];
        Assert.SkipWhen(cores.Length < 2, "needs two cores");
        const int Tries = 20;
        int moved = 0;
        RunInThread(() =>
        {
            for (int i = 0; i < Tries; i++)
            {
                int crowded = cores[i % 2];
                byte[] one = new byte[allowed.Length];
                one[crowded / 8] = (byte)(1 << (crowded % 8));
                SetAffinity(one);
                SetAffinity(allowed);
                CorePlacement[] ranks = Place(crowded, crowded, crowded, -1);
                ranks[0].Spread(long.MaxValue / 2);
                ranks[1].Spread(long.MaxValue / 2);
                Assert.True(ranks[2].IsHere(0) && ranks[2].IsHere(1));
                ranks[2].Spread(long.MaxValue / 2);
                moved += PosixNative.sched_getcpu() != crowded ? 1 : 0;
                Assert.False(ranks[2].IsHere(0));
                Assert.Equal(allowed, Affinity());

                // Nobody is crowded any more, so nobody else leaves.
                ranks[1].Spread(long.MaxValue);
                Assert.True(ranks[0].IsHere(1));
            }
        });

        // The kernel may move a thread back at any time; it is slow to.
        Assert.InRange(moved, Tries / 2, Tries);
    }

    [Fact]
    public void Ranks_that_have_their_share_stay()
    {
        CorePlacement[] ranks = Place(0, 0, 1, 1);
        foreach (CorePlacement rank in ranks)
            rank.Spread(long.MaxValue / 2);
        Assert.True(ranks[0].IsHere(1) && ranks[2].IsHere(3) && !ranks[0].IsHere(2));
    }

    private static unsafe byte[] Affinity()
    {
        byte[] mask = new byte[1024];
        fixed (byte* bytes = mask)
            Assert.Equal(0, PosixNative.sched_getaffinity(0, (nuint)mask.Length, bytes));
        return mask;
    }

    private static unsafe void SetAffinity(byte[] mask)
    {
        fixed (byte* bytes = mask)
            Assert.Equal(0, PosixNative.sched_setaffinity(0, (nuint)mask.Length, bytes));
    }

    /// <summary>Not in one of the pool's threads, which others go on with.</summary>
    private static void RunInThread(Action action)
    {
        Exception? failure = null;
        Thread thread = new(() => failure = Record.Exception(action));
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(30)));
        Assert.Null(failure);
    }

    private CorePlacement[] Place(params int[] cores) => [.. cores.Select((core, rank) =>
    {
        CorePlacement placement = new(_segment, Ranks, rank, fairShare: 2);
        placement.Note(core);
        return placement;
    })];
}
