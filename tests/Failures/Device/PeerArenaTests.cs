using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Peer memory that a driver refuses, that does not work, or whose ranks stop and end.</summary>
public sealed class PeerArenaTests
{
    private const int SIGSTOP = 19;
    private const int SIGCONT = 18;
    private const string Empty = "0 0";
    private const string NoDescriptors = "STUB_CUDA_FAIL=cuMemExportToShareableHandle:801";

    [Theory]
    [InlineData("", "")]
    [InlineData("CUDA_VISIBLE_DEVICES=1", "CUDA_VISIBLE_DEVICES=1")]
    [InlineData("CUDA_VISIBLE_DEVICES=0", "CUDA_VISIBLE_DEVICES=1")]
    public async Task Processes_share_memory_by_descriptors_and_free_it(string ofRank0, string ofRank1)
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, rank => DeviceJob.Variables(rank == 0 ? ofRank0 : ofRank1), "peers", scratch.Folder);
        AssertShared(await job.FinishAsync(), "Own Descriptor", "Descriptor Own");
    }

    [Theory]
    [InlineData(NoDescriptors)]
    [InlineData("STUB_CUDA_FAIL=cuMemImportFromShareableHandle:801")]
    [InlineData("STUB_CUDA_FAIL=cuMemCreate:800")]
    public async Task One_rank_that_is_refused_descriptors_turns_all_to_IPC(string ofRank1)
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.StartUnlike(3, ofRank1, "peers", scratch.Folder);
        AssertShared(await job.FinishAsync(), "Own Ipc Ipc", "Ipc Own Ipc", "Ipc Ipc Own");
    }

    [Theory]
    [InlineData("cuIpcGetMemHandle")]
    [InlineData("cuIpcOpenMemHandle_v2")]
    public async Task Where_both_are_refused_every_rank_hears_both_reasons_and_nothing_stays_allocated(string call)
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.StartUnlike(2, $"{NoDescriptors},{call}:801", "peers", scratch.Folder);
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Threw(rank, "slice", nameof(PeerMemoryException), "Virtual memory shared by descriptors: rank 1 (host", "cuMemExportToShareableHandle: CUDA_ERROR_NOT_SUPPORTED (801)", "CUDA IPC: rank 1 (host", call.Replace("_v2", "", StringComparison.Ordinal));
            Assert.Equal(Empty, all.Of(rank, "bytes").Message);
        }
    }

    [Fact]
    public async Task Devices_that_do_not_reach_each_other_are_named()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, "STUB_CUDA_NO_PEER=1", "peers, threads", scratch.Folder);
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 4; rank++)
            all.Threw(rank, "slice", nameof(PeerMemoryException), "device 0 Stub GPU 0 0000:10:00.0 does not reach the memory of device 1 Stub GPU 1 0000:11:00.0");
    }

    [Fact]
    public async Task Threads_and_processes_mix()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, "", "peers, threads", scratch.Folder);
        AssertShared(await job.FinishAsync(), "Own SameProcess Descriptor Descriptor", "SameProcess Own Descriptor Descriptor", "Descriptor Descriptor Own SameProcess", "Descriptor Descriptor SameProcess Own");
    }

    [Fact]
    public async Task A_copy_that_arrives_wrong_is_found_and_every_rank_hears_from_where_to_where()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(3, "STUB_CUDA_DEVICES=3 STUB_CUDA_BAD_COPY=2>0", "peers", scratch.Folder);
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 3; rank++)
        {
            Report report = all.Threw(rank, "slice", nameof(PeerMemoryException), $"the copy test failed from rank 2 (host {Environment.MachineName}, pid {job.ProcessOf(2)}) on GPU 2 Stub GPU 2 0000:12:00.0 to rank 0 (host", "byte 511 of 512 is wrong", "IOMMU or ACS?");
            Assert.DoesNotContain("from rank 1", report.Message, StringComparison.Ordinal);
            Assert.Equal(Empty, all.Of(rank, "bytes").Message);
        }
    }

    [Fact]
    public async Task A_rank_that_does_not_come_is_named_at_the_deadline()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, "", "peers, absent", scratch.Folder);
        Report[] all = await job.FinishAsync();
        Assert.True(all.Threw(0, "slice", nameof(TimeoutException), $"rank 1 (host {Environment.MachineName}, pid {job.ProcessOf(1)})", "did not come").Seconds < 5);
        Assert.Equal(Empty, all.Of(0, "bytes").Message);
    }

    [Fact]
    public async Task A_stopped_rank_holds_closing_up_until_the_deadline_and_the_memory_until_it_has_closed()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, "", "peers, stopped", scratch.Folder);
        await job.WaitUntilReadyAsync();
        Assert.Equal(0, PosixNative.kill(job.ProcessOf(1), SIGSTOP));
        Go(scratch, 0);
        Report[] closing = [await job.NextAsync(0), await job.NextAsync(0), await job.NextAsync(0)];
        closing.Went(0, "close");
        Assert.InRange(closing.Of(0, "close").Seconds, 0.9, 5);
        Assert.Equal($"{64 << 20} {1 << 20}", closing.Of(0, "bytes").Message);
        Assert.Contains($"1048576 bytes of peer memory on device 0 Stub GPU 0 0000:10:00.0 stay allocated: rank 1 (host {Environment.MachineName}, pid {job.ProcessOf(1)})", closing.Of(0, "warning").Message, StringComparison.Ordinal);
        Assert.Equal(0, PosixNative.kill(job.ProcessOf(1), SIGCONT));
        Go(scratch, 1);
        Report[] all = await job.FinishAsync();
        all.Went(0, "comes back");
        all.Went(1, "close", "comes back");
    }

    [Fact]
    public async Task A_killed_rank_counts_as_closed_and_drained()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, "", "peers, killed", scratch.Folder);
        await job.WaitUntilReadyAsync();
        job.Kill(1);
        Go(scratch, 0);
        Report[] all = await job.FinishAsync(0);
        all.Went(0, "close", "close the other");
        Assert.Equal($"{64 << 20} {1 << 20}", all.Of(0, "bytes").Message);
        Assert.Equal(Empty, all.Of(0, "bytes at the end").Message);
    }

    [Fact]
    public async Task A_rank_that_is_killed_in_the_copy_test_is_named_and_what_it_wrote_to_is_free_once_it_is_gone()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, "", "peers, killed midway", scratch.Folder);
        Report[] all = await job.FinishAsync(0);
        all.Threw(0, "slice", nameof(TimeoutException), $"rank 1 (host {Environment.MachineName}, pid {job.ProcessOf(1)})");
        all.Went(0, "comes back");
    }

    private static void Go(Scratch scratch, int rank) => File.WriteAllBytes(Path.Combine(scratch.Folder, $"go {rank}"), []);

    private static void AssertShared(Report[] all, params string[] kinds)
    {
        for (int rank = 0; rank < kinds.Length; rank++)
        {
            all.Went(rank, "slice");
            Assert.Equal(kinds[rank], all.Of(rank, "kinds").Message);
            Assert.Equal("True", all.Of(rank, "close").Message);
            Assert.Equal(Empty, all.Of(rank, "bytes").Message);
        }
    }
}
