using CollectivesSharp.Interop;
using CollectivesSharp.Unit.Communicators;
using Xunit;

namespace CollectivesSharp.Unit.Groups;

/// <summary>Memory of a group, from the first call to the last rank's release.</summary>
public sealed class HostBufferTests
{
    private const int Ranks = 3;

    /// <summary>Of 4 bytes: 80 KB a rank, several staging chunks of these groups.</summary>
    private const int Length = 20_000;

    [Fact]
    public void It_is_zeroed_and_of_the_length_that_was_asked_for() => Run(group =>
    {
        using HostBuffer<int> buffer = group.AllocateHost<int>(Length);
        Assert.Equal((Length, Length, Length), (buffer.Length, buffer.Span.Length, buffer.Memory.Length));
        Assert.False(buffer.Span.ContainsAnyExcept(0));
    });

    [Fact]
    public unsafe void It_works_as_memory_and_as_a_pointer() => Run(group =>
    {
        using HostBuffer<int> buffer = group.AllocateHost<int>(Length);
        using (System.Buffers.MemoryHandle pinned = buffer.Memory[5..].Pin())
            Assert.Equal((nint)(buffer.Pointer + 5), (nint)pinned.Pointer);
        buffer.Span.Fill(group.Rank + 1);
        group.HostCommunicator!.AllReduce((nint)buffer.Pointer, (nint)buffer.Pointer, Length, DataType.Int32, ReduceOp.Sum);
        Assert.False(buffer.Memory.Span.ContainsAnyExcept(6));
    });

    [Fact]
    public void Inputs_may_be_written_as_soon_as_a_call_returns() => Run(group =>
    {
        using HostBuffer<int> input = group.AllocateHost<int>(Length);
        int[] all = new int[Length * Ranks];
        for (int round = 0; round < 500; round++)
        {
            input.Span.Fill((round * Ranks) + group.Rank);
            group.AllGather<int>(input.Span, all);
            for (int rank = 0; rank < Ranks; rank++)
                Assert.False(all.AsSpan(rank * Length, Length).ContainsAnyExcept((round * Ranks) + rank), $"round {round}, rank {rank}");
        }
    });

    [Fact]
    public void A_buffer_that_a_rank_has_released_is_nobody_elses_loss() => Run(group =>
    {
        HostBuffer<int> first = group.AllocateHost<int>(Length), second = group.AllocateHost<int>(Length);
        if (group.Rank == 1)
        {
            first.Dispose();
            Assert.Throws<ObjectDisposedException>(() => first.Span.Clear());
        }

        int[] own = new int[Length], all = new int[Length * Ranks];
        Memory<int> input = group.Rank == 1 ? own : first.Memory;
        input.Span.Fill(group.Rank + 7);
        group.AllGather<int>(input.Span, all);
        for (int rank = 0; rank < Ranks; rank++)
            Assert.False(all.AsSpan(rank * Length, Length).ContainsAnyExcept(rank + 7));
        first.Dispose();
        second.Dispose();
    });

    [Fact]
    public void Released_memory_goes_back_and_its_addresses_with_the_next_allocation()
    {
        int before = Mappings();
        Run(group =>
        {
            for (int i = 0; i < 20; i++)
            {
                using HostBuffer<int> buffer = group.AllocateHost<int>(Length);
                buffer.Span.Fill(i + 1);
                group.Barrier();
                Assert.InRange(Mappings(), before + Ranks, before + (2 * Ranks));
                group.Barrier();
            }
        });
        Assert.Equal(before, Mappings());
    }

    /// <summary>The root waits for a reader that takes long, to its deadline, and then writes into what the other still reads: that one must not take it for the result.</summary>
    [Fact]
    public void A_rank_that_read_what_an_interrupted_peer_has_overwritten_is_told_so()
    {
        const int Large = 64 << 20;
        int read = -1;
        Exception?[] faults = Faults.Of(2, group =>
        {
            using HostBuffer<int> input = group.AllocateHost<int>(Large);
            if (group.Rank == 0)
            {
                input.Span.Fill(7);
                group.Barrier();
                try
                {
                    group.Broadcast(input.Span, 0, new HostCallOptions { Timeout = TimeSpan.FromMilliseconds(20) });
                }
                finally
                {
                    input.Span.Clear();
                }
            }
            else
            {
                // Pages that are not there yet make the copy take its time.
                int[] output = GC.AllocateUninitializedArray<int>(Large);
                group.Barrier();
                group.Broadcast<int>(output, 0);
                read = output[^1];
            }
        });
        Assert.True(faults[1] is PeerLostException || read == 7, $"the reader took {read} for the result; {faults[0]?.Message}");
    }

    [Fact]
    public void It_outlives_its_group()
    {
        HostBuffer<int>[] buffers = new HostBuffer<int>[Ranks];
        Run(group =>
        {
            buffers[group.Rank] = group.AllocateHost<int>(Length);
            buffers[group.Rank].Span.Fill(group.Rank + 1);
        });
        for (int rank = 0; rank < Ranks; rank++)
        {
            Assert.False(buffers[rank].Span.ContainsAnyExcept(rank + 1));
            buffers[rank].Dispose();
        }
    }

    [Fact]
    public void Too_much_is_an_error_on_all_ranks_and_the_group_goes_on() => Run(group =>
    {
        nuint tooMuch = (nuint)1 << 46;
        IOException refused = Assert.Throws<IOException>(() => { group.HostCommunicator!.Allocate(tooMuch); });
        Assert.Matches($"{tooMuch} bytes of host memory for each of 3 ranks: rank 0 .*: all ranks of the node together need [0-9]+ bytes of memory, and [0-9]+ are available", refused.Message);
        using HostBuffer<int> buffer = group.AllocateHost<int>(Length);
        buffer.Span.Fill(1);
        group.AllReduce<int>(buffer.Span, buffer.Span);
        Assert.False(buffer.Span.ContainsAnyExcept(Ranks));
    });

    [Fact]
    public async Task A_rank_alone_has_it_too()
    {
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions { WorldSize = 1, Rank = 0, Device = DeviceChoice.None });
        using HostBuffer<double> buffer = group.AllocateHost<double>(10);
        Assert.False(buffer.Span.ContainsAnyExcept(0));
        group.AllReduce<double>(buffer.Span, buffer.Span);
    }

    private static int Mappings() => File.ReadLines("/proc/self/maps").Count(line => line.Contains("memfd:collectives-sharp", StringComparison.Ordinal));

    private static void Run(Action<GroupCoordinator> body) => Assert.All(Faults.Of(Ranks, body), Assert.Null);
}
