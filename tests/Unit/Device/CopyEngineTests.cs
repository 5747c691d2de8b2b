using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>How messages are cut for copy engines, and when the router takes them.</summary>
public sealed class CopyEngineTests
{
    private static readonly AllReduceFacts s_facts = new(2, null, null, 32 << 20, null);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void Pieces_of_all_parts_cover_a_message_once(int ranks)
    {
        foreach (nuint bytes in (ReadOnlySpan<nuint>)[1, 2, 127, 128, 129, 1000, 4095, (1 << 20) + 3, (8 << 20) - 1, (64 << 20) + 2, 1 << 28])
        {
            CopyEnginePlan plan = new(bytes, ranks);
            nuint covered = 0;
            for (int rank = 0; rank < ranks; rank++)
            {
                for (int piece = 0; piece < plan.Pieces; piece++)
                {
                    (nuint begin, nuint end) = plan.Range(rank, piece);
                    Assert.Equal(covered, begin);
                    Assert.True(end == bytes || end % 128 == 0);
                    covered = end;
                }
            }

            Assert.Equal(bytes, covered);
            Assert.True(plan.Part <= CopyEnginePlan.PartOf(bytes + 1000, ranks));
        }
    }

    [Fact]
    public void Long_parts_come_in_two_pieces_and_short_ones_in_one()
    {
        Assert.Equal(1, new CopyEnginePlan(1 << 20, 2).Pieces);
        Assert.Equal(2, new CopyEnginePlan(2 << 20, 2).Pieces);
        Assert.Equal(((nuint)96 << 20, (nuint)128 << 20), new CopyEnginePlan(128 << 20, 2).Range(1, 1));
    }

    [Fact]
    public void The_built_in_table_takes_them_where_they_were_measured_and_leaves_the_rest_to_who_asks_or_measures()
    {
        AllReduceRequest request = new((32 << 20) + 1, DataType.BFloat16, ReduceOp.Sum) { IsRegistered = true };
        AllReduceFacts sharing = s_facts with { CopyEngineObjection = "ranks 0, 1 share a GPU" };
        Assert.Equal(AllReduceRoute.CopyEngine, AllReduceRouter.Route(request, s_facts).Route);
        Assert.Equal(AllReduceRoute.CopyEngine, AllReduceRouter.Route(request, s_facts with { NcclObjection = "no NCCL", Policy = AllReducePolicy.Deterministic }).Route);
        Assert.Equal(AllReduceRoute.Registered, AllReduceRouter.Route(request with { Count = 32 << 20 }, s_facts).Route);
        Assert.Equal(AllReduceRoute.Registered, AllReduceRouter.Route(request, sharing).Route);
        Assert.Equal(AllReduceRoute.Windowed, AllReduceRouter.Route(request with { IsRegistered = false }, s_facts).Route);
        Assert.NotEqual(AllReduceRoute.CopyEngine, AllReduceRouter.Route(request with { Type = DataType.Int32 }, s_facts).Route);
        Assert.NotEqual(AllReduceRoute.CopyEngine, AllReduceRouter.Route(request, s_facts with { WorldSize = 4 }).Route);
        Assert.Null(AllReduceRouter.Objection(AllReduceRoute.CopyEngine, request, s_facts with { WorldSize = 4 }));
        Assert.NotNull(AllReduceRouter.Objection(AllReduceRoute.CopyEngine, request, sharing));
    }

    [Fact]
    public void Forced_they_are_taken_at_every_size_and_nowhere_else()
    {
        AllReduceFacts forced = s_facts with { Forced = AllReduceRoute.CopyEngine };
        AllReduceRequest request = new(1, DataType.Int64, ReduceOp.Max) { IsRegistered = true };
        Assert.Equal(AllReduceRoute.CopyEngine, AllReduceRouter.Route(request, forced).Route);
        Assert.Equal(AllReduceRoute.OneShot, AllReduceRouter.Route(request with { IsRegistered = false }, forced).Route);
    }

    [Fact]
    public void What_was_measured_of_them_holds_for_registered_outputs_alone()
    {
        AllReduceTiming[] rows =
        [
            Row(1 << 20, twoShot: 10, copyEngine: 20),
            Row(1 << 24, twoShot: 100, copyEngine: 80),
        ];
        AllReduceTuning tuning = AllReduceTuning.Of(2, rows);
        AllReduceTuning kept = AllReduceTuningFile.Read(AllReduceTuningFile.Write("key", tuning), "key", 2, out string? reason)!;
        Assert.Null(reason);
        foreach (AllReduceTuning table in (AllReduceTuning[])[tuning, kept])
        {
            AllReduceRequest request = new(1 << 22, DataType.Float32, ReduceOp.Sum);
            Assert.Equal(AllReduceRoute.TwoShot, table.Find(request));
            Assert.Equal(AllReduceRoute.CopyEngine, table.Find(request with { IsRegistered = true }));
            Assert.Equal(AllReduceRoute.TwoShot, table.Find(request with { Count = 1 << 18, IsRegistered = true }));
        }

        AllReduceTuning without = AllReduceTuning.Of(2, [Row(1 << 20, twoShot: 10, copyEngine: null)]);
        Assert.Equal(AllReduceRoute.TwoShot, without.Find(new AllReduceRequest(10, DataType.Float32, ReduceOp.Sum) { IsRegistered = true }));
    }

    private static AllReduceTiming Row(nuint bytes, double twoShot, double? copyEngine) => new(bytes, DataType.Float32, false, AllReduceRoute.TwoShot,
        [new(AllReduceRoute.TwoShot, twoShot, null), new(AllReduceRoute.CopyEngine, copyEngine, copyEngine is null ? "not registered" : null)]);
}
