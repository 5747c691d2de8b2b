using System.Net.Sockets;
using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging.Abstractions;

namespace CollectivesSharp.Conformance.Device;

/// <summary>One rank that makes slices. All members count as one node, whatever nodes they play.</summary>
internal sealed class PeerRank(GroupCoordinator group, CudaDevice device, IStore store)
{
    internal static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    internal CudaDevice Device => device;

    internal int Rank => group.RankInGroup;

    internal int Size => group.WorldSize;

    /// <summary>On ranks with a GPU each, as threads or as processes.</summary>
    internal static void Run(int size, Func<PeerRank, Task> body) => DeviceWorld.Run(size, rank =>
    {
        // Rank 0 serves the store at a local socket, which has no file.
        byte[] name = Guid.NewGuid().ToByteArray();
        rank.Group.Broadcast(name.AsSpan(), root: 0);
        MeetAsync(rank, new UnixDomainSocketEndPoint($"\0collectives-sharp/test/{new Guid(name)}"), body).GetAwaiter().GetResult();
    });

    /// <summary>On threads that share the GPUs of this process, <paramref name="devices"/> of them at most. In a launched job the first rank does it for all.</summary>
    internal static void RunVirtual(int size, int devices, Func<PeerRank, Task> body)
    {
        CudaDevice first = DeviceWorld.OwnDevice();
        if (World.Launch.Rank > 0)
            return;
        CudaDevice[] used = World.IsLaunched || devices == 1 ? [first] : [.. CudaDevice.All.Take(devices)];
        InProcessStore store = new();
        ThreadRanks.Run(size, group => body(new PeerRank(group, used[group.RankInGroup % used.Length], store)).GetAwaiter().GetResult(), new GroupOptions { Store = store, Device = DeviceChoice.None, Timeout = Patience });
    }

    internal async Task<PeerExchange> ExchangeAsync()
    {
        string prefix = $"peers/{await store.AddAsync($"exchange/{Rank}", 1)}";
        return await PeerExchange.CreateAsync("peers", [.. group.Members], Rank, store, prefix, Patience, NullLogger.Instance, CancellationToken.None);
    }

    private static async Task MeetAsync(DeviceRank rank, UnixDomainSocketEndPoint place, Func<PeerRank, Task> body)
    {
        if (rank.Rank > 0)
        {
            await using SocketStore client = await SocketStore.ConnectAsync(place);
            await body(new PeerRank(rank.Group, rank.Device, client));
            return;
        }

        await using StoreServer server = StoreServer.Start(place, new InProcessStore());
        await body(new PeerRank(rank.Group, rank.Device, server.Store));
        await server.WaitForClientsToLeaveAsync(Patience);
    }
}
