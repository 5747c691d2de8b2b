using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Communicators;

/// <summary>What is refused is refused before any peer learns of it: the group goes on.</summary>
public sealed class BadInputTests
{
    private const int Ranks = 3;

    private static readonly Dictionary<string, Action<GroupCoordinator>> s_refused = new()
    {
        ["length ('0') must be a non-negative and non-zero value"] = group => group.AllocateHost<int>(0),
        ["AllReduce of 5 elements into 4"] = group => group.AllReduce<int>(new int[5], new int[4]),
        ["AllReduce: input and output overlap, 1 elements apart"] = group => Overlapping((a, b) => group.AllReduce<int>(a, b)),
        ["No such reduction. (Parameter 'op')\nActual value was 9"] = group => group.AllReduce<int>(new int[5], new int[5], (ReduceOp)9),
        ["No such reduction. (Parameter 'op')\nActual value was -1"] = group => group.Reduce<int>(new int[5], new int[5], root: 0, (ReduceOp)(-1)),
        ["A root is a rank in the group, 0 to 2. (Parameter 'root')\nActual value was 3"] = group => group.Reduce<int>(new int[5], new int[5], root: 3),
        ["Reduce of 5 elements into 6"] = group => group.Reduce<int>(new int[5], new int[6], root: group.Rank),
        ["Reduce: input and output overlap, 1 elements apart"] = group => Overlapping((a, b) => group.Reduce<int>(a, b, root: group.Rank)),
        ["A root is a rank in the group, 0 to 2. (Parameter 'root')\nActual value was -1"] = group => group.Broadcast<int>(new int[5], root: -1),
        ["AllGather: the counts of all ranks make 15 elements, the buffer has 14"] = group => group.AllGather<int>(new int[5], new int[14]),
        ["AllGather: 2 counts for 3 ranks"] = group => group.AllGather<int>(new int[5], new int[10], [5, 5]),
        ["AllGather: the counts of all ranks make 16 elements, the buffer has 15"] = group => group.AllGather<int>(new int[5], new int[15], [5, 5, 6]),
        ["AllGather: this rank's count is 5, its buffer has 4 elements"] = group => group.AllGather<int>(new int[4], new int[15], [5, 5, 5]),
        ["make 18446744073709551616 elements, the buffer has 0"] = group => group.AllGather<int>([], [], [nuint.MaxValue, 1, 0]),
        ["AllGather: the part lies 1 elements into the whole; it must be at its own place"] = group => group.AllGather<int>(group.Whole(out int[] whole).AsSpan(1, 5), whole, [5, 5, 5]),
        ["ReduceScatter: the counts of all ranks make 15 elements, the buffer has 16"] = group => group.ReduceScatter<int>(new int[16], new int[5]),
        ["ReduceScatter: 4 counts for 3 ranks"] = group => group.ReduceScatter<int>(new int[20], new int[5], [5, 5, 5, 5]),
        ["ReduceScatter: this rank's count is 5, its buffer has 6 elements"] = group => group.ReduceScatter<int>(new int[15], new int[6], [5, 5, 5]),
        ["ReduceScatter: the part lies 1 elements into the whole"] = group => group.ReduceScatter<int>(group.Whole(out int[] whole), whole.AsSpan(1, 5)),
        ["No such reduction. (Parameter 'op')\nActual value was 7"] = group => group.ReduceScatter<int>(new int[15], new int[5], (ReduceOp)7),
        ["A root is a rank in the group, 0 to 2. (Parameter 'root')\nActual value was 4"] = group => group.Gather<int>(new int[5], new int[15], root: 4),
        ["Gather: 14 elements for 3 ranks of 5 each; 15 are needed"] = group => group.Gather<int>(new int[5], new int[14], root: group.Rank),
        ["Gather: the part lies 1 elements into the whole"] = group => group.Gather<int>(group.Whole(out int[] whole).AsSpan(1, 5), whole, root: group.Rank),
        ["A root is a rank in the group, 0 to 2. (Parameter 'root')\nActual value was 5"] = group => group.Scatter<int>(new int[15], new int[5], root: 5),
        ["Scatter: 16 elements for 3 ranks of 5 each; 15 are needed"] = group => group.Scatter<int>(new int[16], new int[5], root: group.Rank),
        ["Scatter: the part lies 1 elements into the whole"] = group => group.Scatter<int>(group.Whole(out int[] whole), whole.AsSpan(1, 5), root: group.Rank),
        ["AllToAll of 6 elements into 9"] = group => group.AllToAll<int>(new int[6], new int[9]),
        ["AllToAll of 7 elements over 3 ranks"] = group => group.AllToAll<int>(new int[7], new int[7]),
        ["AllToAll: input and output overlap, 1 elements apart"] = group => Overlapping((a, b) => group.AllToAll<int>(a, b)),
        ["AllToAllV: 2 counts for 3 ranks"] = group => group.AllToAllV<int>(new int[2], [1, 1], new int[3], [1, 1, 1]),
        ["AllToAllV: the counts of all ranks make 4 elements, the buffer has 3"] = group => group.AllToAllV<int>(new int[3], [1, 1, 1], new int[3], [1, 1, 2]),
        ["AllToAllV: input and output overlap"] = group => Overlapping((a, b) => group.AllToAllV<int>(a, [2, 2, 2], b, [2, 2, 2])),
        ["Actual value was 00:00:00"] = group => group.Barrier(new HostCallOptions { Timeout = TimeSpan.Zero }),
        ["Actual value was -00:00:01"] = group => group.AllReduce<int>(new int[5], new int[5], options: new HostCallOptions { Timeout = TimeSpan.FromSeconds(-1) }),
        ["No such reduction. (Parameter 'call')"] = group => group.HostCommunicator!.AllReduce(0, 0, 0, DataType.Int32, (ReduceOp)9),
        ["No such element type"] = group => group.HostCommunicator!.AllReduce(0, 0, 0, (DataType)99, ReduceOp.Sum),
        ["2 counts for 3 ranks. (Parameter 'counts')"] = group => group.HostCommunicator!.AllGather(0, 0, [0, 0], DataType.Int32),
        ["2 counts for 3 ranks. (Parameter 'receiveCounts')"] = group => group.HostCommunicator!.AllToAllV(0, [0, 0, 0], 0, [0, 0], DataType.Int32),
        ["root ('3') must be less than '3'"] = group => group.HostCommunicator!.Broadcast(0, 0, DataType.Int32, root: 3),
        ["root ('-1') must be a non-negative value"] = group => group.HostCommunicator!.Gather(0, 0, 0, DataType.Int32, root: -1),
    };

    public static TheoryData<string> Refused => [.. s_refused.Keys];

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_call_that_makes_no_sense_is_refused_and_the_group_goes_on(string message) => ThreadRanks.Run(Ranks, group =>
    {
        // On all ranks, and then on one alone, whose peers are in the next call already.
        Assert.Contains(message, RefusedBy(group).Message, StringComparison.Ordinal);
        AssertWorks(group);
        if (group.Rank == 1)
            RefusedBy(group);
        AssertWorks(group);

        ArgumentException RefusedBy(GroupCoordinator group) => Assert.ThrowsAny<ArgumentException>(() => s_refused[message](group));
    });

    [Fact]
    public void What_is_no_element_is_refused() => ThreadRanks.Run(Ranks, group =>
    {
        Assert.Contains("System.Char", Assert.Throws<NotSupportedException>(() => group.AllReduce<char>(new char[1], new char[1])).Message, StringComparison.Ordinal);
        Assert.Throws<NotSupportedException>(() => group.Broadcast(new DateTime[1], 0));
        AssertWorks(group);
    });

    [Fact]
    public void A_group_of_one_refuses_the_same() => ThreadRanks.Run(1, group =>
    {
        Assert.ThrowsAny<ArgumentException>(() => group.AllReduce<int>(new int[2], new int[3]));
        Assert.ThrowsAny<ArgumentException>(() => group.AllReduce<int>(new int[2], new int[2], (ReduceOp)9));
        Assert.ThrowsAny<ArgumentException>(() => group.Broadcast<int>(new int[2], 1));
        Assert.ThrowsAny<ArgumentException>(() => group.AllGather<int>(new int[2], new int[3]));
        Assert.ThrowsAny<ArgumentException>(() => group.AllToAllV<int>(new int[2], [2, 1], new int[2], [2]));
        Assert.ThrowsAny<OperationCanceledException>(() => group.Barrier(new HostCallOptions { CancellationToken = new CancellationToken(canceled: true) }));
        Assert.Null(group.HostCommunicator);
    });

    [Fact]
    public void A_disposed_group_refuses_everything() => ThreadRanks.Run(2, group =>
    {
        group.Barrier();
        group.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Assert.Throws<ObjectDisposedException>(() => group.Barrier());
        Assert.Throws<ObjectDisposedException>(() => group.AllReduce<int>(new int[1], new int[1]));
        Assert.Throws<ObjectDisposedException>(() => group.Abort("late"));
        Assert.Throws<ObjectDisposedException>(() => group.ThrowIfFaulted());
    });

    private static void AssertWorks(GroupCoordinator group)
    {
        int[] sum = [group.Rank + 1];
        group.AllReduce<int>(sum, sum);
        Assert.Equal(Ranks * (Ranks + 1) / 2, sum[0]);
    }

    private delegate void PairCall(ReadOnlySpan<int> input, Span<int> output);

    /// <summary>Two spans of one array, an element apart.</summary>
    private static void Overlapping(PairCall call)
    {
        int[] memory = new int[7];
        call(memory.AsSpan(0, 6), memory.AsSpan(1, 6));
    }
}

internal static class BadInputExtensions
{
    /// <summary>A buffer for five elements of each of three ranks.</summary>
    internal static int[] Whole(this GroupCoordinator group, out int[] whole) => whole = new int[5 * group.WorldSize];
}
