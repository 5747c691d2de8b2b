using System.Globalization;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

internal static partial class DeviceRank
{
    private const int SliceBytes = 1 << 20;

    /// <summary>What a rank of the scenarios with peer memory has.</summary>
    private sealed record PeerSeat(int Rank, int Size, CudaDevice Device, PeerExchange Exchange, string Folder)
    {
        internal Task<PeerSlice> CreateAsync(double timeout = 20) => PeerArena.CreateSliceAsync(Device, Exchange, SliceBytes, TimeSpan.FromSeconds(timeout));

        /// <summary>Until the test makes this file.</summary>
        internal void WaitForFile(string name) => Assert.True(WaitFor(() => File.Exists(Path.Combine(Folder, name))));

        internal void TellBytes(string step) => Tell(Rank, step, PeerArena.AllocatedBytes(Device).ToString(CultureInfo.InvariantCulture) + " " + PeerArena.QuarantinedBytes(Device).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A process a rank.</summary>
    private static Task PeersAsync(GroupOptions options, string folder, Func<PeerSeat, Task> body, string? diesAt = null) => SitAsync(options, folder, OwnRank, LaunchEnvironment.Detect().WorldSize, body, diesAt);

    private static async Task SitAsync(GroupOptions options, string folder, int rank, int size, Func<PeerSeat, Task> body, string? diesAt = null)
    {
        string meeting = Path.Combine(folder, "store");
        await using FileStore file = FileStore.Open(meeting);
        IStore store = diesAt is null || rank != 1 ? file : new HookedStore(file, diesAt, _ =>
        {
            Assert.Equal(0, PosixNative.kill(Environment.ProcessId, 9));
            return Task.CompletedTask;
        });
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options with { Store = file, Rank = rank, WorldSize = size, Device = DeviceChoice.None });
        using PeerExchange exchange = await PeerExchange.CreateAsync("peers", [.. group.Members], rank, store, "test", options.Timeout, WarningLog.Factory, CancellationToken.None);
        await body(new PeerSeat(rank, size, CudaDevice.All[rank % CudaDevice.All.Count], exchange, folder));
    }

    /// <summary>Two ranks of four in each of two processes.</summary>
    private static void PeerThreads(GroupOptions options, string folder)
    {
        int process = OwnRank;
        Thread[] ranks = [.. Enumerable.Range(0, 2).Select(i => new Thread(() => SitAsync(options, folder, (process * 2) + i, 4, CloseInOrderAsync).GetAwaiter().GetResult()))];
        Array.ForEach(ranks, rank => rank.Start());
        Array.ForEach(ranks, rank => rank.Join());
    }

    /// <summary>"slice", "kinds", "close" (was it freed?), "bytes"; without a slice only "slice" and "bytes".</summary>
    private static async Task CloseInOrderAsync(PeerSeat seat)
    {
        PeerSlice? slice = null;
        await StepAsync(seat.Rank, "slice", async () => slice = await seat.CreateAsync());
        if (slice is not null)
        {
            Tell(seat.Rank, "kinds", string.Join(' ', Enumerable.Range(0, seat.Size).Select(slice.Kind)));
            Tell(seat.Rank, "close", (await slice.CloseAsync(s_patience)).ToString());
        }

        // The threads of a process share a device's bytes.
        await seat.Exchange.BarrierAsync(s_patience, CancellationToken.None);
        seat.TellBytes("bytes");
    }

    /// <summary>Rank 1 is stopped before rank 0 closes, and goes on later.</summary>
    private static async Task StoppedAsync(PeerSeat seat)
    {
        PeerSlice slice = await seat.CreateAsync();
        Tell(seat.Rank, "ready", "");
        seat.WaitForFile($"go {seat.Rank}");
        await StepAsync(seat.Rank, "close", async () => Assert.Equal(seat.Rank == 1, await slice.CloseAsync(TimeSpan.FromSeconds(1))));
        seat.TellBytes("bytes");
        Tell(seat.Rank, "warning", WarningLog.Factory.Text);
        Step(seat.Rank, "comes back", () => Assert.True(WaitFor(() => PeerArena.AllocatedBytes(seat.Device) == 0)));
    }

    /// <summary>Rank 1 is killed while both have two slices; rank 0 closes one and gives the other up first.</summary>
    private static async Task KilledPeerAsync(PeerSeat seat)
    {
        PeerSlice closed = await seat.CreateAsync(), aborted = await seat.CreateAsync();
        Tell(seat.Rank, "ready", "");
        seat.WaitForFile($"go {seat.Rank}");
        aborted.Quarantine();
        await StepAsync(seat.Rank, "close", async () => Assert.True(await closed.CloseAsync(s_patience)));
        seat.TellBytes("bytes");
        await StepAsync(seat.Rank, "close the other", async () => Assert.False(await aborted.CloseAsync(s_patience)));
        seat.TellBytes("bytes at the end");
    }

    /// <summary>Rank 1 makes no slice.</summary>
    private static async Task AbsentAsync(PeerSeat seat)
    {
        if (seat.Rank == 0)
            await StepAsync(seat.Rank, "slice", () => seat.CreateAsync(timeout: 1));
        seat.TellBytes("bytes");
    }

    /// <summary>Rank 1's process ends when its copies are in rank 0's slice.</summary>
    private static async Task KilledMidwayAsync(PeerSeat seat)
    {
        await StepAsync(seat.Rank, "slice", () => seat.CreateAsync(timeout: 3));
        Step(seat.Rank, "comes back", () => Assert.True(WaitFor(() => PeerArena.AllocatedBytes(seat.Device) == 0)));
    }
}
