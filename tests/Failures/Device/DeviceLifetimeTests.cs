using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Groups, batches, graphs and children that end at the wrong moment.</summary>
public sealed class DeviceLifetimeTests
{
    [Fact]
    public async Task Disposing_a_group_ends_the_call_that_another_thread_is_in()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(1, $"STUB_NCCL_LAZY_CONNECT=1 STUB_NCCL_LOG={scratch.File}", "dispose in flight");
        Report[] all = await job.FinishAsync();
        all.Threw(0, "call", nameof(GroupAbortedException), "disposed while");
        all.Went(0, "ends");
        Assert.True(all.Of(0, "dispose") is { Exception: "", Seconds: < 8 }, all.Of(0, "dispose").ToString());
        all.Threw(1, "barrier", nameof(GroupAbortedException), "disposed while");
    }

    [Fact]
    public async Task Graphs_that_outlive_the_group_hold_its_end_up_for_no_longer_than_the_deadline()
    {
        await using DeviceJob job = DeviceJob.Start(1, "STUB_NCCL_GRAPH_REFS=1", "graphs alive", "device-timeout=1");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
            Assert.True(all.Of(rank, "dispose") is { Exception: "", Seconds: < 5 }, all.Of(rank, "dispose").ToString());
        Assert.Contains("Graphs that captured this group's calls", all.Of(0, "warning").Message, StringComparison.Ordinal);
        all.Went(0, "graphs end");
    }

    [Fact]
    public async Task An_abort_in_the_middle_of_a_batch_waits_for_its_end()
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(1, $"STUB_NCCL_LOG={scratch.File}", "batch");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Threw(rank, "batch", nameof(GroupAbortedException), "in the middle of a batch");
            all.Went(rank, "aborted", "drain");
        }

        // NCCL's group holds the communicator: freed before the group's end it would be used after.
        string[] log = scratch.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        for (int rank = 0; rank < 2; rank++)
        {
            int abort = Array.FindIndex(log, line => line.Contains($" {rank} ncclCommAbort", StringComparison.Ordinal));
            Assert.True(abort >= 0 && log[..abort].Any(line => line.Contains("ncclGroupEnd", StringComparison.Ordinal)), scratch.Text);
        }
    }

    [Fact]
    public async Task A_split_communicator_outlives_its_group()
    {
        await using DeviceJob job = DeviceJob.Start(1, "", "child");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Went(rank, "without a colour", "child reduces");
            all.Threw(rank, "child is disposed", nameof(ObjectDisposedException));
        }
    }
}
