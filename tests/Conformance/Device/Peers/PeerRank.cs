using System.Text;
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
        // The first one's folder is where they meet.
        byte[] name = new byte[64];
        if (rank.Rank == 0)
            Encoding.UTF8.GetBytes(Path.GetFileName(Directory.CreateTempSubdirectory("collectives-peers-").FullName), name);
        rank.Group.Broadcast(name.AsSpan(), root: 0);
        string folder = Path.Combine(Path.GetTempPath(), Encoding.UTF8.GetString(name).TrimEnd('\0'));
        FileStore store = FileStore.Open(folder);
        try
        {
            body(new PeerRank(rank.Group, rank.Device, store)).GetAwaiter().GetResult();
            rank.Group.Barrier();
        }
        finally
        {
            store.DisposeAsync().AsTask().GetAwaiter().GetResult();
            if (rank.Rank == 0)
                Directory.Delete(folder, recursive: true);
        }
    });

    /// <summary>On threads that share the GPUs of this process, <paramref name="devices"/> of them at most.</summary>
    internal static void RunVirtual(int size, int devices, Func<PeerRank, Task> body)
    {
        CudaDevice first = DeviceWorld.OwnDevice();
        CudaDevice[] used = World.IsLaunched || devices == 1 ? [first] : [.. CudaDevice.All.Take(devices)];
        InProcessStore store = new();
        ThreadRanks.Run(size, group => body(new PeerRank(group, used[group.RankInGroup % used.Length], store)).GetAwaiter().GetResult(), new GroupOptions { Store = store, Device = DeviceChoice.None, Timeout = Patience });
    }

    internal async Task<PeerExchange> ExchangeAsync()
    {
        string prefix = $"peers/{await store.AddAsync($"exchange/{Rank}", 1)}";
        return await PeerExchange.CreateAsync("peers", [.. group.Members], Rank, store, prefix, Patience, NullLogger.Instance, CancellationToken.None);
    }
}
