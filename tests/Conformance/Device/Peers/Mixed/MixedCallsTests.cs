using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Our kernels one behind the other in one arena, whichever comes next: every call leaves it as the next one needs it, also where a rank is late.</summary>
public sealed class MixedCallsTests
{
    /// <summary>Of each batch of calls: the graph's second replay has other inputs.</summary>
    private const int Rounds = 2;

    /// <summary>Of a batch's inputs and outputs: far more than they take.</summary>
    private const nuint Memory = 32 << 20;

    /// <summary>At least: COLLECTIVES_TEST_CALLS of them.</summary>
    private static int Calls(DeviceRank rank) => rank.IsBrief ? 50 : int.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_CALLS"), out int calls) ? calls : 400;

    /// <summary>As many ranks as there may be as well, virtual ones too: no graph here owns memory.</summary>
    public static TheoryData<int> Sizes => [.. DeviceWorld.FewSizes.Concat(DeviceWorld.PeerSizes.TakeLast(1)).Select(row => row.Data).Distinct()];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Calls_of_every_kind_follow_each_other_and_a_rank_that_is_late(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        Random random = new(World.Seed);
        foreach ((DataType type, ReduceOp[] ops) in MixedBatch.Kinds)
            rank.Group.Prepare([type], ops);
        rank.Group.PrepareRmsNorm(DataType.BFloat16);
        PeerBuffer<byte> memory = RegisteredCases.Allocate<byte>(rank.Group, Memory);
        using (RandomDelays delays = new(rank, random.Next()))
        {
            rank.Meet();
            for (int done = 0; done < Calls(rank);)
            {
                using MixedBatch batch = new(rank, random, memory, each: rank.IsBrief ? 3 : 11);
                for (int round = 0; round < Rounds; round++)
                    batch.Run(round, delays);
                done += Rounds * batch.Count;
            }

            rank.Meet();
        }

        RegisteredCases.Dispose(memory);
        rank.Group.Barrier();
    });
}
