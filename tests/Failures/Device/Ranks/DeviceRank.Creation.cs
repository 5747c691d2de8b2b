using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CollectivesSharp.Failures;

internal static partial class DeviceRank
{
    /// <summary>"create", then "objection", "device call", "host call".</summary>
    private static async Task CreateAsync(GroupOptions options)
    {
        int rank = OwnRank;
        GroupCoordinator? group = null;
        await StepAsync(rank, "create", async () => group = await GroupCoordinator.CreateAsync(options));
        if (group is null)
            return;
        await using (group)
        {
            Tell(rank, "objection", group.DeviceObjection ?? "");
            if (group.DeviceObjection is not null)
                Step(rank, "device call", () => group.AllReduce(0, 0, 4, DataType.Float32, ReduceOp.Sum, 0));
            else
            {
                using Place place = new(group);
                Step(rank, "device call", () =>
                {
                    place.Reduce();
                    place.Synchronize();
                });
            }

            Step(rank, "host call", () => group.Barrier());
        }
    }

    /// <summary>What an old library lacks.</summary>
    private static async Task LibraryAsync(GroupOptions options)
    {
        int rank = OwnRank;
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        using Place place = new(group);
        using DeviceBuffer<Float8E4M3> small = place.Device.Allocate<Float8E4M3>(16);
        Step(rank, "register symmetric", () => group.Register(place.Buffer.Span));
        Step(rank, "register local", () => group.Register(place.Buffer.Span, RegistrationKind.Local));
        Step(rank, "fp8", () => group.AllReduce<Float8E4M3>(small, small, ReduceOp.Max, place.Stream));
        Step(rank, "shrink", () => group.Nccl!.Shrink([1 - rank]));
        Step(rank, "all-to-all", () =>
        {
            using DeviceBuffer<float> other = place.Device.Allocate<float>(256);
            group.AllToAll<float>(place.Buffer, other, place.Stream);
            place.Synchronize();
        });
        group.Barrier();
    }

    /// <summary>Rank 1's process ends when it should go to NCCL's initialisation.</summary>
    private static async Task KilledAsync(GroupOptions options, string folder)
    {
        int rank = OwnRank;
        await using FileStore store = FileStore.Open(folder);
        HookedStore hooked = new(store, "/nccl/init/", _ =>
        {
            if (rank == 1)
                Assert.Equal(0, PosixNative.kill(Environment.ProcessId, 9));
            return Task.CompletedTask;
        });
        Step(rank, "create", () => Create(options with { Store = hooked, Rank = rank, WorldSize = 2 }, CancellationToken.None));
    }

    /// <summary>Rank 1, a thread, does not come to NCCL's initialisation; rank 0 is in it.</summary>
    private static void StuckThread(GroupOptions options)
    {
        InProcessStore store = new();
        int before = OwnThreads();
        TaskCompletionSource released = new();
        Thread stuck = new(() => Step(1, "create", () => CreateOn(1, new HookedStore(store, "/nccl/init/1", _ => released.Task))));
        stuck.Start();
        Step(0, "create", () => CreateOn(0, store));
        released.SetResult();
        Step(1, "ends", () => Require(stuck.Join(s_patience), "rank 1 hangs"));
        Step(0, "threads are gone", () => Require(WaitFor(() => OwnThreads() <= before), $"{OwnThreads()} threads of the SDK, {before} before"));

        void CreateOn(int rank, IStore own) => Create(options with { Store = own, Rank = rank, WorldSize = 2 }, CancellationToken.None);
    }

    /// <summary>Rank 1's creation is cancelled when it should go to NCCL's initialisation.</summary>
    private static void CancelledThread(GroupOptions options)
    {
        InProcessStore store = new();
        using CancellationTokenSource cancel = new();
        Thread other = new(() => Step(1, "create", () => CreateOn(1, new HookedStore(store, "/nccl/init/1", async token =>
        {
            await cancel.CancelAsync();
            token.ThrowIfCancellationRequested();
        }), cancel.Token)));
        other.Start();
        Step(0, "create", () => CreateOn(0, store, CancellationToken.None));
        Step(1, "ends", () => Require(other.Join(s_patience), "rank 1 hangs"));

        void CreateOn(int rank, IStore own, CancellationToken token) => Create(options with { Store = own, Rank = rank, WorldSize = 2 }, token);
    }

    /// <summary>Throws what the creation throws, or tells that there is a group.</summary>
    private static void Create(GroupOptions options, CancellationToken token)
    {
        GroupCoordinator group = GroupCoordinator.CreateAsync(options, token).GetAwaiter().GetResult();
        Tell(group.Rank, "objection", group.DeviceObjection ?? "");
        group.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Both ranks have made their communicators, and rank 1 votes too late.</summary>
    private static void LateVote(GroupOptions options)
    {
        InProcessStore store = new();
        HookedStore late = new(store, "/vote/NCCL/1", async token => await store.GetAsync("world/1/vote/NCCL/result", s_patience, token));
        ThreadRanks.Run(2, group =>
        {
            Tell(group.Rank, "objection", group.DeviceObjection ?? "");
            Step(group.Rank, "host call", () => group.Barrier());
        }, rank => options with { Store = rank == 0 ? store : late });
    }

    /// <summary>What NCCL would see of a group that spans machines, whose master is this one.</summary>
    private static void PrepareEnvironment()
    {
        GroupMember[] members = [.. Enumerable.Range(0, 2).Select(rank => new GroupMember { Rank = rank, Host = $"host{rank}", ProcessId = 1, ProcessStartTime = 1, NodeId = $"{rank}", NetworkId = $"{rank}", AllowedProcessors = "1", ProcessorCount = 1 })];
        NcclEnvironment.Prepare(members, null, NullLogger.Instance);
        Tell(0, "NCCL_SOCKET_IFNAME", PosixNative.GetEnvironment("NCCL_SOCKET_IFNAME") ?? "not set");
        Tell(0, "NCCL_HOSTID", PosixNative.GetEnvironment("NCCL_HOSTID") ?? "not set");
    }

    /// <summary>An interface that is up and no loopback, and its address; null where the machine has none.</summary>
    internal static (string Name, IPAddress Address)? FindInterface() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(item => item.OperationalStatus == OperationalStatus.Up && item.NetworkInterfaceType != NetworkInterfaceType.Loopback)
        .SelectMany(item => item.GetIPProperties().UnicastAddresses.Where(address => address.Address.AddressFamily == AddressFamily.InterNetwork).Select(address => ((string, IPAddress)?)(item.Name, address.Address)))
        .FirstOrDefault();

    /// <summary>Threads that the SDK has named; the kernel keeps 15 characters.</summary>
    private static int OwnThreads() => Directory.GetDirectories("/proc/self/task").Count(task =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).StartsWith("CollectivesShar", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    });

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new TimeoutException(message);
    }
}
