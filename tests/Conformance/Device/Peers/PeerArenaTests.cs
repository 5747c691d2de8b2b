using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Peer memory by threads, processes and ranks that share a GPU. On GPUs and over the stubs alike.</summary>
public sealed class PeerArenaTests
{
    private const int SliceBytes = 3 << 20;

    public static MatrixTheoryData<int, string> SizesAndWays => new([.. DeviceWorld.FewSizes.Select(row => row.Data)], ["vmm", "ipc"]);

    public static MatrixTheoryData<int, int, string> Virtual => new([2, 5], [1, 2], ["vmm", "ipc"]);

    [Theory]
    [MemberData(nameof(SizesAndWays))]
    public void Every_rank_writes_and_reads_every_slice(int ranks, string way) => By(way, () => PeerRank.Run(ranks, rank => WriteAndReadAsync(rank, way)));

    [Theory]
    [MemberData(nameof(Virtual))]
    public void Ranks_that_share_devices_do_so_too(int ranks, int devices, string way) => By(way, () => PeerRank.RunVirtual(ranks, devices, rank => WriteAndReadAsync(rank, way)));

    [Fact]
    public void Slices_of_several_groups_lie_in_one_block_that_the_last_one_takes_along() => PeerRank.RunVirtual(2, 1, async rank =>
    {
        using PeerExchange exchange = await rank.ExchangeAsync(), other = await rank.ExchangeAsync();
        nuint before = PeerArena.AllocatedBytes(rank.Device);
        await MeetAsync(exchange);
        PeerSlice first = await PeerArena.CreateSliceAsync(rank.Device, exchange, SliceBytes, PeerRank.Patience), second = await PeerArena.CreateSliceAsync(rank.Device, other, SliceBytes, PeerRank.Patience);
        Assert.InRange(PeerArena.AllocatedBytes(rank.Device) - before, (nuint)0, (nuint)(64 << 20));
        Assert.Equal(4, new[] { first.Address(0), first.Address(1), second.Address(0), second.Address(1) }.Distinct().Count());
        nint freed = first.Own;
        await MeetAsync(exchange);
        Assert.True(await first.CloseAsync(PeerRank.Patience));
        Assert.Throws<ObjectDisposedException>(() => first.Address(0));
        await MeetAsync(exchange);

        // What was closed in order is used again, as fresh as before.
        PeerSlice third = await PeerArena.CreateSliceAsync(rank.Device, exchange, SliceBytes, PeerRank.Patience);
        Assert.Contains(third.Address(rank.Rank), new[] { freed, first.Own, freed + SliceBytes, freed - SliceBytes });
        AssertFresh(third);
        Assert.InRange(PeerArena.AllocatedBytes(rank.Device) - before, (nuint)0, (nuint)(64 << 20));
        await MeetAsync(exchange);
        await second.DisposeAsync();
        await third.DisposeAsync();
        await MeetAsync(exchange);
        Assert.Equal(before, PeerArena.AllocatedBytes(rank.Device));
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void An_aborted_slice_is_nobodys_until_every_rank_has_closed_it(int ranks) => PeerRank.Run(ranks, async rank =>
    {
        // The group of the tests has a slice of its own.
        nuint before = PeerArena.AllocatedBytes(rank.Device);
        using PeerExchange exchange = await rank.ExchangeAsync();
        PeerSlice aborted = await PeerArena.CreateSliceAsync(rank.Device, exchange, SliceBytes, PeerRank.Patience);
        nint memory = aborted.Own;
        aborted.Quarantine();
        await MeetAsync(exchange);
        Assert.True(PeerArena.QuarantinedBytes(rank.Device) >= SliceBytes);

        // All but the last one have drained their streams.
        bool isLast = rank.Rank == rank.Size - 1;
        if (!isLast)
            Assert.False(await aborted.CloseAsync(PeerRank.Patience));
        await MeetAsync(exchange);
        Assert.True(PeerArena.QuarantinedBytes(rank.Device) >= SliceBytes);
        await using (PeerSlice next = await PeerArena.CreateSliceAsync(rank.Device, exchange, SliceBytes, PeerRank.Patience))
        {
            Assert.NotEqual(memory, next.Own);
            AssertFresh(next);
        }

        await MeetAsync(exchange);
        if (isLast)
            Assert.False(await aborted.CloseAsync(PeerRank.Patience));
        await MeetAsync(exchange);
        Assert.Equal((nuint)0, PeerArena.QuarantinedBytes(rank.Device));
        await MeetAsync(exchange);
        Assert.Equal(before, PeerArena.AllocatedBytes(rank.Device));
    });

    [Fact]
    public void Ranks_that_ask_for_different_sizes_are_all_told_who_asked_for_what() => PeerRank.RunVirtual(3, 1, async rank =>
    {
        using PeerExchange exchange = await rank.ExchangeAsync();
        PeerMemoryException e = await Assert.ThrowsAsync<PeerMemoryException>(() => PeerArena.CreateSliceAsync(rank.Device, exchange, (nuint)(rank.Rank == 1 ? 2 : 1) << 20, PeerRank.Patience));
        Assert.Contains("2097152 bytes", e.Message, StringComparison.Ordinal);
        Assert.Contains("1048576 bytes", e.Message, StringComparison.Ordinal);
    });

    private static Task MeetAsync(PeerExchange exchange) => exchange.BarrierAsync(PeerRank.Patience, CancellationToken.None);

    private static async Task WriteAndReadAsync(PeerRank rank, string way)
    {
        using PeerExchange exchange = await rank.ExchangeAsync();
        const int SliceBytes = 640 << 10;

        // The driver aligns what it gives to 256 bytes: the arena's block may begin anywhere, such as behind this.
        using DeviceBuffer<byte> before = rank.Device.Allocate<byte>(4096);
        await using PeerSlice slice = await PeerArena.CreateSliceAsync(rank.Device, exchange, SliceBytes - 1, PeerRank.Patience);
        Assert.Equal((nuint)SliceBytes, slice.Bytes);
        Assert.All(Enumerable.Range(0, rank.Size), target => Assert.Equal(0, slice.Address(target) % PeerArena.Alignment));
        AssertFresh(slice);
        await MeetAsync(exchange);

        // Each rank has a part of every slice, up to its last byte.
        int part = SliceBytes / rank.Size;
        using CudaStream stream = rank.Device.CreateStream();
        for (int target = 0; target < rank.Size; target++)
        {
            PeerMapping foreign = way == "vmm" ? PeerMapping.Descriptor : PeerMapping.Ipc;
            Assert.Equal(target == rank.Rank ? PeerMapping.Own : exchange.ProcessOf(target) == exchange.ProcessOf(rank.Rank) ? PeerMapping.SameProcess : foreign, slice.Kind(target));
            using DeviceBuffer<byte> content = rank.Device.AllocateFrom<byte>(Content(rank.Rank, target, part));
            content.Span.CopyTo(new DeviceSpan<byte>(slice.Address(target) + (rank.Rank * part), (nuint)part), stream);
            stream.Synchronize();
        }

        await MeetAsync(exchange);
        byte[] found = new byte[part];
        for (int source = 0; source < rank.Size; source++)
        {
            using DeviceBuffer<byte> read = rank.Device.Allocate<byte>((nuint)part);
            for (int writer = 0; writer < rank.Size; writer++)
            {
                new DeviceSpan<byte>(slice.Address(source) + (writer * part), (nuint)part).CopyTo(read, stream);
                stream.Synchronize();
                read.CopyTo(found);
                Assert.True(found.AsSpan().SequenceEqual(Content(writer, source, part)), $"rank {rank.Rank} reads something else in the part of rank {writer} in the slice of rank {source}");
            }
        }

        // Somebody may still read.
        await MeetAsync(exchange);
    }

    private static byte[] Content(int writer, int target, int length)
    {
        byte[] content = new byte[length];
        new Random((writer * 64) + target).NextBytes(content);
        return content;
    }

    /// <summary>The own slice: zeros, then 0xFF.</summary>
    private static void AssertFresh(PeerSlice slice)
    {
        byte[] content = new byte[slice.Bytes];
        new DeviceSpan<byte>(slice.Own, slice.Bytes).CopyTo(slice.Device, content);
        for (int i = 0; i < content.Length; i++)
        {
            byte expected = i < PeerArena.ControlBytes ? (byte)0 : (byte)0xFF;
            if (content[i] == expected)
                continue;
            int last = content.AsSpan().LastIndexOfAnyExcept(expected);
            Assert.Fail($"byte {i} of {content.Length} of a new slice at 0x{slice.Own:x} is not 0x{expected:x2}; what is there: {Convert.ToHexString(content.AsSpan(i, Math.Min(32, content.Length - i)))}, and up to byte {last}");
        }
    }

    private static void By(string way, Action action)
    {
        const string Variable = "COLLECTIVES_PEER_MEMORY";
        string? before = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, way);
        try
        {
            action();
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, before);
        }
    }
}
