using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>A fault on the device side ends the group on all ranks, their streams drain, their processes live.</summary>
public sealed class DeviceFaultTests
{
    [Fact]
    public async Task An_asynchronous_error_surfaces_on_every_rank_within_a_second_with_the_cause_where_it_was_met()
    {
        await using DeviceJob job = DeviceJob.Start(2, "STUB_NCCL_ASYNC_ERROR=0:3:6", "loop");
        await job.WaitUntilReadyAsync();
        Report[] all = await job.FinishAsync();
        Assert.True(all.Threw(0, "loop", nameof(NcclException), "an error that NCCL met asynchronously", "AllReduce(256 × Float32, Max)", "ncclRemoteError (6)", "remote process exited").Seconds < 3);
        Assert.True(all.Threw(1, "loop", nameof(GroupAbortedException), "aborted by rank 0", "ncclRemoteError (6)").Seconds < 3);
        all.Threw(0, "call", nameof(NcclException));
        all.Threw(0, "synchronize", nameof(NcclException));
        AssertFaulted(all, 1, nameof(GroupAbortedException));
        all.Went(0, "drain");
    }

    [Fact]
    public async Task A_killed_rank_is_named_to_those_who_wait_on_the_device()
    {
        await using DeviceJob job = DeviceJob.Start(3, "STUB_CUDA_DEVICES=3", "loop");
        await job.WaitUntilReadyAsync();
        int killed = job.ProcessOf(1);
        job.Kill(1);
        Report[] all = [.. await job.FinishAsync(0), .. await job.FinishAsync(2)];
        foreach (int rank in new[] { 0, 2 })
        {
            Report lost = all.Threw(rank, "loop", nameof(PeerLostException), "its process has ended");
            Assert.Equal((1, killed, nameof(PeerLossReason.ProcessEnded)), (lost.LostRank, lost.LostProcess, lost.Reason));
            AssertFaulted(all, rank, nameof(PeerLostException));
        }
    }

    [Fact]
    public async Task A_call_that_NCCL_fails_in_names_itself_with_its_arguments_and_ends_the_group()
    {
        await using DeviceJob job = DeviceJob.StartUnlike(2, "STUB_NCCL_FAIL=ncclAllReduce:3@1", "refused");
        Report[] all = await job.FinishAsync();
        all.Threw(1, "first", nameof(NcclException), "Group world, device call 1: AllReduce(256 × Float32, Max) on NCCL 2.28.9: ncclInternalError (3): internal error", "stub: injected");
        all.Threw(0, "first synchronize", nameof(GroupAbortedException), "aborted by rank 1", "AllReduce(256 × Float32, Max)");
        all.Threw(1, "first synchronize", nameof(NcclException));
        all.Threw(1, "second", nameof(NcclException));
        all.Threw(1, "barrier", nameof(GroupAbortedException));
        all.Went(0, "drain");
        all.Went(1, "drain");
    }

    [Fact]
    public async Task A_call_whose_arguments_NCCL_refuses_leaves_the_group_as_it_is()
    {
        await using DeviceJob job = DeviceJob.Start(2, "STUB_NCCL_FAIL=ncclAllReduce:4@1", "refused");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Threw(rank, "first", nameof(NcclException), "ncclInvalidArgument (4)");
            all.Went(rank, "first synchronize", "second", "barrier", "drain");
        }
    }

    [Theory]
    [InlineData("STUB_NCCL_LAZY_CONNECT=0", "wait", "work on the device was not done within 1 s; the last call was AllReduce(256 × Float32, Max), device call 1")]
    [InlineData("STUB_NCCL_LAZY_CONNECT=1", "reduce", "device call 1: AllReduce(256 × Float32, Max) has waited in NCCL for 1 s")]
    [InlineData("STUB_NCCL_LAZY_CONNECT=1 COLLECTIVES_NCCL_PATH=old", "reduce", "has waited in NCCL for 1 s")]
    public async Task A_call_that_a_rank_does_not_make_ends_at_the_deadline_on_all_ranks(string everywhere, string where, string text)
    {
        Dictionary<string, string> variables = DeviceJob.Variables(everywhere);
        if (variables.TryGetValue("COLLECTIVES_NCCL_PATH", out string? variant))
            variables["COLLECTIVES_NCCL_PATH"] = Path.Combine(DeviceJob.Stubs, variant);
        await using DeviceJob job = DeviceJob.Start(2, _ => variables, "silent", "device-timeout=1");
        Report[] all = await job.FinishAsync();
        Report late = all.Threw(0, where, nameof(DeviceTimeoutException), text);
        Assert.True(late.Seconds < 6, late.ToString());
        all.Threw(1, "barrier", nameof(GroupAbortedException), "aborted by rank 0");
        AssertFaulted(all, 1, nameof(GroupAbortedException));
        Assert.All(all.Where(report => report.Step is "call" or "synchronize"), report => Assert.NotEqual("", report.Exception));
        all.Went(0, "drain");
    }

    [Fact]
    public async Task A_registration_that_a_rank_does_not_make_ends_at_the_deadline()
    {
        await using DeviceJob job = DeviceJob.Start(2, "", "silent registration", "device-timeout=1");
        Report[] all = await job.FinishAsync();
        all.Threw(0, "register", nameof(DeviceTimeoutException), "Register has waited in NCCL for 1 s");
        all.Threw(1, "barrier", nameof(GroupAbortedException), "aborted by rank 0");
        AssertFaulted(all, 0, nameof(DeviceTimeoutException));
        AssertFaulted(all, 1, nameof(GroupAbortedException));
    }

    [Fact]
    public async Task A_kernel_that_fails_ends_the_group_on_its_peers_and_no_process()
    {
        await using DeviceJob job = DeviceJob.StartUnlike(2, "STUB_CUDA_FAIL=cuStreamQuery:700", "kernel fault");
        Report[] all = await job.FinishAsync();
        all.Threw(1, "wait", "CudaException", "CUDA_ERROR_ILLEGAL_ADDRESS");
        Assert.True(all.Threw(0, "wait", nameof(GroupAbortedException), "aborted by rank 1", "CUDA_ERROR_ILLEGAL_ADDRESS").Seconds < 8);
        all.Went(0, "dispose");
        all.Went(1, "dispose");
    }

    [Fact]
    public async Task An_abort_by_another_thread_ends_all_waits_with_its_reason()
    {
        await using DeviceJob job = DeviceJob.Start(1, "", "abort");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Threw(rank, "wait", nameof(GroupAbortedException), "the operator wants it");
            AssertFaulted(all, rank, nameof(GroupAbortedException));
        }
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_the_work_and_the_group_as_they_are()
    {
        await using DeviceJob job = DeviceJob.Start(1, "", "cancel");
        Report[] all = await job.FinishAsync();
        all.Threw(0, "cancelled", nameof(OperationCanceledException));
        all.Went(0, "completed");
        all.Went(1, "completed");
    }

    private static void AssertFaulted(Report[] all, int rank, string exception)
    {
        all.Threw(rank, "call", exception);
        all.Threw(rank, "synchronize", exception);
        all.Threw(rank, "batch", exception);
        all.Went(rank, "drain");
    }
}
