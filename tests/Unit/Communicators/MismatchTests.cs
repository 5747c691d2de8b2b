using Xunit;

namespace CollectivesSharp.Unit.Communicators;

/// <summary>Rank 1 of three calls something else; all three are told who called what.</summary>
public abstract class MismatchTests(int nodes)
{
    private static readonly Dictionary<string, Action<GroupCoordinator>> s_calls = new()
    {
        ["Barrier"] = group => group.Barrier(),
        ["AllReduce(6 × Float32, Sum)"] = group => group.AllReduce<float>(new float[6], new float[6]),
        ["AllReduce(6 × Int32, Sum)"] = group => group.AllReduce<int>(new int[6], new int[6]),
        ["AllReduce(6 × Float32, Max)"] = group => group.AllReduce<float>(new float[6], new float[6], ReduceOp.Max),
        ["AllReduce(7 × Float32, Sum)"] = group => group.AllReduce<float>(new float[7], new float[7]),
        ["AllReduce(0 × Float32, Sum)"] = group => group.AllReduce<float>([], []),
        ["AllReduce(20000 × Float32, Sum)"] = group => group.AllReduce<float>(new float[20000], new float[20000]),
        ["Reduce(6 × Float32, Sum, root 0)"] = group => group.Reduce<float>(new float[6], new float[6], root: 0),
        ["Reduce(6 × Float32, Sum, root 2)"] = group => group.Reduce<float>(new float[6], new float[6], root: 2),
        ["Reduce(6 × Float32, Min, root 0)"] = group => group.Reduce<float>(new float[6], new float[6], root: 0, ReduceOp.Min),
        ["Reduce(5 × Float32, Sum, root 0)"] = group => group.Reduce<float>(new float[5], new float[5], root: 0),
        ["Broadcast(6 × Float32, root 0)"] = group => group.Broadcast<float>(new float[6], root: 0),
        ["Broadcast(6 × Float32, root 1)"] = group => group.Broadcast<float>(new float[6], root: 1),
        ["Broadcast(5 × Float32, root 0)"] = group => group.Broadcast<float>(new float[5], root: 0),
        ["Broadcast(6 × UInt32, root 0)"] = group => group.Broadcast<uint>(new uint[6], root: 0),
        ["Broadcast(20000 × Float32, root 0)"] = group => group.Broadcast<float>(new float[20000], root: 0),
        ["AllGather(6 × Float32)"] = group => group.AllGather<float>(new float[6], new float[18]),
        ["AllGather(5 × Float32)"] = group => group.AllGather<float>(new float[5], new float[15]),
        ["AllGather(6 × Float64)"] = group => group.AllGather<double>(new double[6], new double[18]),
        ["AllGather(18 in counts by rank"] = group => group.AllGather<float>(new float[group.Rank == 2 ? 7 : group.Rank == 1 ? 6 : 5], new float[18], [5, 6, 7]),
        ["ReduceScatter(6 × Float32, Sum)"] = group => group.ReduceScatter<float>(new float[18], new float[6]),
        ["ReduceScatter(6 × Float32, Product)"] = group => group.ReduceScatter<float>(new float[18], new float[6], ReduceOp.Product),
        ["ReduceScatter(5 × Float32, Sum)"] = group => group.ReduceScatter<float>(new float[15], new float[5]),
        ["ReduceScatter(6 × Int64, Sum)"] = group => group.ReduceScatter<long>(new long[18], new long[6]),
        ["ReduceScatter(18 in counts by rank"] = group => group.ReduceScatter<float>(new float[18], new float[group.Rank == 1 ? 8 : 5], [5, 8, 5]),
        ["Gather(6 × Float32, root 0)"] = group => group.Gather<float>(new float[6], new float[18], root: 0),
        ["Gather(6 × Float32, root 1)"] = group => group.Gather<float>(new float[6], new float[18], root: 1),
        ["Gather(5 × Float32, root 0)"] = group => group.Gather<float>(new float[5], new float[15], root: 0),
        ["Gather(6 × Int8, root 0)"] = group => group.Gather<sbyte>(new sbyte[6], new sbyte[18], root: 0),
        ["Scatter(6 × Float32, root 0)"] = group => group.Scatter<float>(new float[18], new float[6], root: 0),
        ["Scatter(6 × Float32, root 2)"] = group => group.Scatter<float>(new float[18], new float[6], root: 2),
        ["Scatter(5 × Float32, root 0)"] = group => group.Scatter<float>(new float[15], new float[5], root: 0),
        ["Scatter(6 × UInt64, root 0)"] = group => group.Scatter<ulong>(new ulong[18], new ulong[6], root: 0),
        ["AllToAll(6 × Float32)"] = group => group.AllToAll<float>(new float[18], new float[18]),
        ["AllToAll(5 × Float32)"] = group => group.AllToAll<float>(new float[15], new float[15]),
        ["AllToAll(6 × Float16)"] = group => group.AllToAll<Half>(new Half[18], new Half[18]),
        ["AllToAllV(Float32)"] = group => group.AllToAllV<float>(new float[6], [1, 2, 3], new float[6], [2, 2, 2]),
        ["AllocateHost(24 bytes)"] = group => group.AllocateHost<float>(6),
        ["AllocateHost(20 bytes)"] = group => group.AllocateHost<float>(5),
        ["AllToAllV(Int32)"] = group => group.AllToAllV<int>(new int[6], [1, 2, 3], new int[6], [2, 2, 2]),
    };

    /// <summary>Every collective against each of its variants and against another kind.</summary>
    public static TheoryData<string, string> Pairs
    {
        get
        {
            TheoryData<string, string> pairs = [];
            string[] kinds = [.. s_calls.Keys.DistinctBy(Kind)];
            for (int kind = 0; kind < kinds.Length; kind++)
            {
                pairs.Add(kinds[kind], kinds[(kind + 1) % kinds.Length]);
                foreach (string variant in s_calls.Keys.Where(call => Kind(call) == Kind(kinds[kind]) && call != kinds[kind]))
                    pairs.Add(kinds[kind], variant);
            }

            return pairs;

            static string Kind(string call) => call.Split('(')[0];
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void All_ranks_are_told_who_called_what(string most, string one)
    {
        Exception?[] faults = Of(3, group =>
        {
            // Not the first call: what it compares must be this call's.
            group.Barrier();
            s_calls[group.Rank == 1 ? one : most](group);
        });
        Assert.All(faults, (fault, rank) =>
        {
            CallMismatchException mismatch = Assert.IsType<CallMismatchException>(fault);
            Assert.Contains($"ranks 0, 2 called {most}", mismatch.Message, StringComparison.Ordinal);
            Assert.Contains($"rank 1 called {one}", mismatch.Message, StringComparison.Ordinal);
            Assert.StartsWith(rank == 1 ? one : most, mismatch.Operation, StringComparison.Ordinal);
            Assert.Equal(2, mismatch.Sequence);
        });
    }

    [Fact]
    public void Different_counts_by_rank_with_one_sum_are_told_apart()
    {
        Exception?[] faults = Of(2, group => group.ReduceScatter<int>(new int[9], new int[4], group.Rank == 0 ? [4, 5] : [5, 4]));
        Assert.All(faults, fault => Assert.Matches("rank 0 called ReduceScatter\\(9 in counts by rank #.*; rank 1 called ReduceScatter\\(9 in counts by rank #", Assert.IsType<CallMismatchException>(fault).Message));
    }

    [Fact]
    public void A_pair_of_AllToAllV_that_disagrees_is_told_to_all()
    {
        Exception?[] faults = Of(3, group => group.AllToAllV<int>(new int[6], [2, 2, 2], new int[group.Rank == 2 ? 7 : 6], group.Rank == 2 ? [2, 3, 2] : [2, 2, 2]));
        Assert.All(faults, fault =>
        {
            string message = Assert.IsType<CallMismatchException>(fault).Message;
            Assert.Contains("rank 1 (host", message, StringComparison.Ordinal);
            Assert.Contains("sends 8 bytes to rank 2", message, StringComparison.Ordinal);
            Assert.Contains("which expects 12", message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_rank_that_is_a_call_behind_is_a_mismatch()
    {
        Exception?[] faults = Of(3, group =>
        {
            float[] values = new float[10];
            if (group.Rank != 2)
                group.AllReduce<float>(values, values);
            group.Broadcast<float>(values, 0);
        });
        Assert.All(faults, fault => Assert.Contains("ranks 0, 1 called AllReduce(10 × Float32, Sum); rank 2 called Broadcast(10 × Float32, root 0)", Assert.IsType<CallMismatchException>(fault).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void After_a_mismatch_every_call_throws_and_a_new_group_works()
    {
        Exception?[] faults = Of(2, group =>
        {
            Assert.Throws<CallMismatchException>(() => group.Broadcast<int>(new int[1], group.Rank));
            Assert.True(group.IsFaulted);
            Assert.Throws<CallMismatchException>(() => group.Barrier());
            Assert.Throws<CallMismatchException>(() => group.ThrowIfFaulted());
            GroupCoordinator next = group.NewGroupAsync(group.Ranks).GetAwaiter().GetResult();
            next.Barrier();
            next.DisposeAsync().AsTask().GetAwaiter().GetResult();
        });
        Assert.All(faults, Assert.Null);
    }

    private Exception?[] Of(int ranks, Action<GroupCoordinator> body, TimeSpan? timeout = null) => Faults.Of(ranks, body, timeout, nodes);
}

public sealed class MismatchesOnOneNode() : MismatchTests(1);

public sealed class MismatchesAcrossNodes() : MismatchTests(2);
