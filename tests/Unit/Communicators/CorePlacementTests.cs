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
    public void Only_the_ranks_of_a_core_with_more_than_its_share_do_something_about_it_and_not_all_the_time()
    {
        CorePlacement[] ranks = Place(0, 0, 0, 1);
        Assert.True(ranks[0].IsTimeToSpread());
        Assert.False(ranks[0].IsTimeToSpread());
        Assert.False(ranks[3].IsTimeToSpread());
        Assert.True(ranks[1].IsTimeToSpread());
        ranks[1].Note(1);
        Assert.False(ranks[2].IsTimeToSpread());
    }

    private CorePlacement[] Place(params int[] cores) => [.. cores.Select((core, rank) =>
    {
        CorePlacement placement = new(_segment, Ranks, rank, fairShare: 2);
        placement.Note(core);
        return placement;
    })];
}
