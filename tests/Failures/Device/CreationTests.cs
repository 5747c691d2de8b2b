using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>What keeps a group from moving device memory is found out by all ranks alike, before anything can wait.</summary>
public sealed class CreationTests
{
    [Fact]
    public async Task Without_NCCL_a_group_moves_host_memory_and_its_first_device_call_lists_what_was_tried()
    {
        await using DeviceJob job = DeviceJob.Start(2, "COLLECTIVES_NCCL_PATH=/nowhere/libnccl.so.2", "create");
        await AssertHostOnlyAsync(job, "NCCL", "/nowhere/libnccl.so.2", "COLLECTIVES_NCCL_PATH");
    }

    [Fact]
    public async Task An_NCCL_that_is_too_old_is_named_with_the_version_that_is_needed()
    {
        await using DeviceJob job = DeviceJob.Start(2, "STUB_NCCL_VERSION=21602", "create");
        await AssertHostOnlyAsync(job, "NCCL 2.16.2 at " + DeviceJob.Stubs, "2.18.1 or newer is needed", "COLLECTIVES_NCCL_PATH");
    }

    [Fact]
    public async Task Different_versions_of_NCCL_are_told_by_rank_and_NCCL_is_not_started()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(3, rank => new() { ["STUB_NCCL_LOG"] = scratch.File, ["STUB_CUDA_DEVICES"] = "3", ["COLLECTIVES_NCCL_PATH"] = rank == 1 ? Path.Combine(DeviceJob.Stubs, "new") : DeviceJob.Stubs }, "create");
        await AssertHostOnlyAsync(job, $"ranks 0, 2: NCCL 2.28.9 ({DeviceJob.Stubs}/libnccl.so.2); rank 1: NCCL 2.29.7 ({DeviceJob.Stubs}/new/libnccl.so.2)");
        Assert.DoesNotContain("ncclGetUniqueId", scratch.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("ncclCommInit", scratch.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_and_path_are_compared_before_NCCL_begins()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, $"STUB_NCCL_LOG={scratch.File}", "create");
        Report[] all = await job.FinishAsync();
        all.Went(0, "create", "device call", "host call");
        all.Went(1, "create", "device call", "host call");
        string[] calls = [.. scratch.Text.Split('\n').Where(line => line.Contains("nccl", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])];
        int started = Array.IndexOf(calls, "ncclGetUniqueId");
        Assert.True(calls[..started].Count(call => call == "ncclGetVersion") >= 2, scratch.Text);
        Assert.Equal(2, calls[started..].Count(call => call == "ncclCommInitRankConfig"));
    }

    [Theory]
    [InlineData("COLLECTIVES_DEVICE=none", "no GPU is to be used (GroupOptions.Device or COLLECTIVES_DEVICE)")]
    [InlineData("CUDA_VISIBLE_DEVICES=", "CUDA_ERROR_NO_DEVICE (100)")]
    [InlineData("STUB_CUDA_DEVICES=0", "CUDA_VISIBLE_DEVICES is not set")]
    [InlineData("COLLECTIVES_CUDA_PATH=/nowhere", "The CUDA driver")]
    [InlineData("STUB_CUDA_FAIL=cuDeviceGetName:999", "cuDeviceGetName")]
    public async Task A_rank_without_a_GPU_is_named_with_the_reason(string ofRank1, string reason)
    {
        await using DeviceJob job = DeviceJob.StartUnlike(2, ofRank1, "create");
        await AssertHostOnlyAsync(job, "rank 1: ", reason);
    }

    [Fact]
    public async Task Processes_that_share_a_GPU_are_named_with_it()
    {
        await using DeviceJob job = DeviceJob.Start(2, "CUDA_VISIBLE_DEVICES=1", "create");
        await AssertHostOnlyAsync(job, "ranks 0, 1 share GPU 0 Stub GPU 1 0000:11:00.0");
    }

    [Fact]
    public async Task Threads_that_share_a_GPU_are_named_with_it()
    {
        await using DeviceJob job = DeviceJob.Start(1, "STUB_CUDA_DEVICES=1", "threads");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
            Assert.Equal("ranks 0, 1 share GPU 0 Stub GPU 0 0000:10:00.0; NCCL wants a GPU for each rank of a node.", all.Of(rank, "objection").Message);
    }

    [Fact]
    public async Task A_vote_that_fails_takes_the_communicators_back_and_leaves_the_host_memory_of_the_group()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(1, $"STUB_NCCL_LOG={scratch.File}", "late vote", "timeout=1");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            Assert.Equal("rank 1: did not vote within 1 s", all.Of(rank, "objection").Message);
            all.Went(rank, "host call");
        }

        Assert.Equal(2, scratch.Text.Split('\n').Count(line => line.Contains("ncclCommAbort", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("CUDA_VISIBLE_DEVICES=1", "ranks 0, 1 share GPU")]
    [InlineData("COLLECTIVES_NCCL_PATH=/nowhere", "/nowhere")]
    [InlineData("STUB_NCCL_FAIL=ncclCommInitRankConfig:2@1", "unhandled system error")]
    public async Task A_group_that_must_move_device_memory_and_cannot_is_not_made_on_any_rank(string everywhere, string reason)
    {
        await using DeviceJob job = DeviceJob.Start(2, everywhere, "create", "device=required");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
            Assert.True(all.Threw(rank, "create", nameof(GroupCreationException), "it must move device memory (rank 0, rank 1 asked for a device)", reason).Seconds < 10);
    }

    [Fact]
    public async Task An_ordinal_out_of_range_lists_the_visible_devices_on_every_rank()
    {
        await using DeviceJob job = DeviceJob.StartUnlike(2, "COLLECTIVES_DEVICE=5", "create");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
            all.Threw(rank, "create", nameof(GroupCreationException), "rank 1: device 5 was asked for; visible: 0 Stub GPU 0 0000:10:00.0, 1 Stub GPU 1 0000:11:00.0");
    }

    [Fact]
    public async Task A_device_choice_that_is_none_is_refused_with_what_is_expected()
    {
        await using DeviceJob job = DeviceJob.Start(1, "COLLECTIVES_DEVICE=gpu1", "create");
        (await job.FinishAsync()).Threw(0, "create", nameof(LaunchException), "COLLECTIVES_DEVICE=gpu1: expected auto, none, required or the ordinal of a visible GPU");
    }

    [Fact]
    public async Task An_option_that_NCCL_is_too_old_for_is_refused_on_every_rank()
    {
        await using DeviceJob job = DeviceJob.Start(2, "", "create", "graph-usage=1", "device=required");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
            Assert.True(all.Threw(rank, "create", nameof(GroupCreationException), "NcclOptions.GraphUsageMode = 1: NCCL 2.28.9 is at hand, 2.29.2 or newer is needed").Seconds < 10);
    }

    [Theory]
    [InlineData(0, "ncclGetUniqueId")]
    [InlineData(0, "ncclCommInitRankConfig")]
    [InlineData(1, "ncclCommInitRankConfig")]
    public async Task An_error_of_one_rank_in_the_initialisation_is_told_to_all_at_once_and_the_group_moves_host_memory(int failing, string call)
    {
        await using DeviceJob job = DeviceJob.Start(3, rank => DeviceJob.Variables("STUB_CUDA_DEVICES=3" + (rank == failing ? $" STUB_NCCL_FAIL={call}:2@1" : "")), "create");
        Report[] all = await AssertHostOnlyAsync(job, $"rank {failing}: ", call, "ncclSystemError (2)", "stub: injected");
        Assert.All(all.Where(report => report.Step == "create"), report => Assert.True(report.Seconds < 8, report.ToString()));
    }

    [Fact]
    public async Task A_rank_that_is_stuck_before_the_initialisation_is_named_at_the_deadline_and_no_thread_is_left()
    {
        await using DeviceJob job = DeviceJob.Start(1, "", "stuck at initialisation", "timeout=1.5", "device=required");
        Report[] all = await job.FinishAsync();
        all.Threw(0, "create", nameof(GroupCreationException), "rank 1 (host", "did not come to NCCL's initialisation within 1.5 s");
        all.Threw(1, "create", nameof(GroupCreationException));
        all.Went(1, "ends");
        all.Went(0, "threads are gone");
    }

    [Fact]
    public async Task A_rank_that_is_killed_before_the_initialisation_is_named_long_before_the_deadline()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, "", "killed at initialisation", scratch.Folder);
        Report created = (await job.FinishAsync(0)).Threw(0, "create", nameof(GroupCreationException), $"rank 1 (host {Environment.MachineName}, pid {job.ProcessOf(1)}) is lost: its process has ended");
        Assert.True(created.Seconds < 10, created.ToString());
    }

    [Fact]
    public async Task A_creation_that_is_cancelled_on_one_rank_ends_on_all()
    {
        await using DeviceJob job = DeviceJob.Start(1, "", "cancelled at initialisation");
        Report[] all = await job.FinishAsync();
        Assert.EndsWith("CanceledException", all.Of(1, "create").Exception, StringComparison.Ordinal);
        Assert.True(all.Threw(0, "create", nameof(GroupCreationException), "rank 1").Seconds < 10);
        all.Went(1, "ends");
    }

    [Fact]
    public async Task What_an_old_NCCL_lacks_is_refused_on_every_rank_with_the_version_that_has_it()
    {
        await using DeviceJob job = DeviceJob.Start(2, $"COLLECTIVES_NCCL_PATH={Path.Combine(DeviceJob.Stubs, "old")}", "library");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Threw(rank, "register symmetric", nameof(NotSupportedException), "NCCL 2.18.5 is at hand, 2.27.3 or newer is needed");
            all.Threw(rank, "register local", nameof(NotSupportedException), "NCCL 2.18.5 is at hand, 2.19.1 or newer is needed");
            all.Threw(rank, "fp8", nameof(NotSupportedException), "2.24.3 or newer is needed");
            all.Threw(rank, "shrink", nameof(NotSupportedException), "ncclCommShrink: NCCL 2.18.5 is at hand, 2.27.3 or newer is needed");
            all.Went(rank, "all-to-all");
        }
    }

    private static async Task<Report[]> AssertHostOnlyAsync(DeviceJob job, params string[] reasons)
    {
        Report[] all = await job.FinishAsync();
        foreach (int rank in all.Select(report => report.Rank).Distinct())
        {
            all.Went(rank, "create", "host call");
            Report call = all.Threw(rank, "device call", nameof(NotSupportedException), ["AllReduce on device memory: group world moves host memory only. ", .. reasons]);
            Assert.EndsWith(all.Of(rank, "objection").Message, call.Message, StringComparison.Ordinal);
        }

        return all;
    }
}
