using System.Text;
using CollectivesSharp.Cuda;
using CollectivesSharp.Unit.Groups;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace CollectivesSharp.Unit.Communicators;

public sealed class PeerExchangeTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Bytes_come_in_rank_order_and_little_stays_in_the_store()
    {
        PeerExchange[] all = await CreateAsync(3);
        for (int round = 0; round < 5; round++)
        {
            byte[][][] gathered = await Task.WhenAll(all.Select(exchange => exchange.AllGatherAsync(Encoding.UTF8.GetBytes($"{exchange.Rank} {round}"), s_patience, default)));
            Assert.All(gathered, each => Assert.Equal([$"0 {round}", $"1 {round}", $"2 {round}"], each.Select(Encoding.UTF8.GetString)));
            await Task.WhenAll(all.Select(exchange => exchange.BarrierAsync(s_patience, default)));
        }

        End(all);
    }

    [Fact]
    public async Task Descriptors_reach_those_that_ask_and_open_the_same_file()
    {
        PeerExchange[] all = await CreateAsync(3);
        using SafeFileHandle own = File.OpenHandle(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, FileOptions.DeleteOnClose);
        RandomAccess.Write(own, "shared"u8, 0);
        SafeFileHandle?[][] received = await Task.WhenAll(all.Select(exchange => exchange.ExchangeDescriptorsAsync(exchange.Rank == 1 ? own : null, exchange.Rank == 2 ? [1] : [], s_patience, default)));
        Assert.All(received[..2], each => Assert.All(each, Assert.Null));
        Assert.Null(received[2][0]);
        using SafeFileHandle copy = received[2][1]!;
        Assert.NotEqual(own.DangerousGetHandle(), copy.DangerousGetHandle());
        byte[] content = new byte[6];
        Assert.Equal(6, RandomAccess.Read(copy, content, 0));
        Assert.Equal("shared"u8, content);
        End(all);
    }

    [Fact]
    public async Task A_descriptor_that_is_not_there_is_an_error_of_the_one_that_asks_and_all_stay_in_step()
    {
        PeerExchange[] all = await CreateAsync(2);
        Task other = all[1].ExchangeDescriptorsAsync(null, [], s_patience, default);
        IOException e = await Assert.ThrowsAsync<IOException>(() => all[0].ExchangeDescriptorsAsync(null, [1], s_patience, default));
        Assert.Contains("rank 1 (", e.Message, StringComparison.Ordinal);
        Assert.Contains("hands out no descriptor", e.Message, StringComparison.Ordinal);
        await other;
        IReadOnlyDictionary<int, string>[] votes = await Task.WhenAll(all.Select(exchange => exchange.VoteAsync("it", exchange.Rank == 0 ? e.Message : null, s_patience, default)));
        Assert.All(votes, vote => Assert.Equal([new(0, e.Message)], vote));
        End(all);
    }

    [Fact]
    public async Task Who_does_not_come_is_named_at_the_deadline()
    {
        PeerExchange[] all = await CreateAsync(3);
        TimeoutException[] told = await Task.WhenAll(all[..2].Select(exchange => Assert.ThrowsAsync<TimeoutException>(() => exchange.BarrierAsync(TimeSpan.FromMilliseconds(300), default))));
        Assert.Contains(told, e => e.Message.Contains("rank 2 (", StringComparison.Ordinal) && !e.Message.Contains("rank 0 (", StringComparison.Ordinal));
        End(all);
    }

    [Fact]
    public async Task Boards_are_shared_start_at_zero_and_outlive_the_exchange()
    {
        PeerExchange[] all = await CreateAsync(2);
        IPeerBoard[] first = [.. all.Select(exchange => exchange.OpenBoard())], second = [.. all.Select(exchange => exchange.OpenBoard())];
        End(all);
        first[0].Announce(7);
        Assert.Equal([7, 0], [first[1].Announced(0), first[1].Announced(1)]);
        Assert.Equal([0, 0], [second[1].Announced(0), second[1].Announced(1)]);
        Assert.False(first[0].HasEnded(1));
        foreach (IPeerBoard board in first.Concat(second))
            board.Dispose();
    }

    private static async Task<PeerExchange[]> CreateAsync(int count)
    {
        InProcessStore store = new();
        GroupMember[] members = [.. Enumerable.Range(0, count).Select(rank => Member.Saying(rank).Member with { ProcessId = Environment.ProcessId, ProcessStartTime = ProcessIdentity.OwnStartTime })];
        return await Task.WhenAll(Enumerable.Range(0, count).Select(rank => PeerExchange.CreateAsync("group", members, rank, store, "test", s_patience, NullLogger.Instance, CancellationToken.None)));
    }

    private static void End(PeerExchange[] all) => Array.ForEach(all, exchange => exchange.Dispose());
}
