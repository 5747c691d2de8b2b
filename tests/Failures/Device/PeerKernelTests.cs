using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Our kernels over peer memory: what they need, what they can't, and the end of a peer while they wait for it.</summary>
public sealed class PeerKernelTests
{
    private const string OneShot = "COLLECTIVES_ALLREDUCE_ROUTE=one-shot";

    /// <summary>
    /// Of three ranks. Of two GPUs the killed or silent rank has one to itself, as ranks have, and the others share the other one: they still make a group of two that has to communicate. On one GPU the driver takes a context
    /// away whose kernel was running beside theirs.
    /// </summary>
    public static TheoryData<int> Gpus => [3, 2, 1];

    public PeerKernelTests() => Assert.SkipUnless(NativeLibraryLocator.TryFind(NativeLibraryKind.Nvrtc, out _, out _, out _), "NVRTC is needed, which compiles the kernels.");

    [Theory]
    [InlineData("COLLECTIVES_ALLREDUCE_ROUTE=auto", "OneShot: one trip")]
    [InlineData(OneShot, "OneShot: forced")]
    [InlineData("COLLECTIVES_ALLREDUCE_ROUTE=nccl", "Nccl: COLLECTIVES_ALLREDUCE_ROUTE or GroupOptions.AllReduceRoute is Nccl.")]
    [InlineData("COLLECTIVES_ALLREDUCE_ROUTE=auto STUB_CUDA_NO_PEER=1", "Nccl: ", "kernels, threads")]
    public async Task The_route_is_what_is_there_and_what_was_asked_for(string everywhere, string route, string scenario = "kernels")
    {
        await using DeviceJob job = DeviceJob.Start(scenario == "kernels" ? 2 : 1, everywhere, scenario);
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            Assert.StartsWith(route, all.Of(rank, "route").Message, StringComparison.Ordinal);
            all.Went(rank, "reduce", "broadcast", "product", "end");
        }
    }

    /// <summary>What joins two GPUs is told by whichever process sees both.</summary>
    [Theory]
    [InlineData("STUB_CUDA_PCIE=1", "", "", "nobody has measured our kernels over PCIe")]
    [InlineData("", "CUDA_VISIBLE_DEVICES=0", "CUDA_VISIBLE_DEVICES=1", "no process sees the GPUs of two ranks")]
    [InlineData("", "CUDA_VISIBLE_DEVICES=0", "COLLECTIVES_DEVICE=1", "one trip")]
    [InlineData("STUB_CUDA_PCIE=1", "CUDA_VISIBLE_DEVICES=0", "COLLECTIVES_DEVICE=1", "nobody has measured our kernels over PCIe")]
    public async Task All_ranks_know_what_joins_their_GPUs_if_one_of_them_sees_it(string everywhere, string first, string second, string reason)
    {
        Assert.SkipWhen(DeviceJob.IsReal, "The stub's GPUs are meant.");
        await using DeviceJob job = DeviceJob.Start(2, rank => DeviceJob.Variables($"COLLECTIVES_ALLREDUCE_ROUTE=auto {everywhere} {(rank == 0 ? first : second)}"), "kernels");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            Assert.StartsWith($"OneShot: {reason}", all.Of(rank, "route").Message, StringComparison.Ordinal);
            all.Went(rank, "reduce", "broadcast", "product", "end");
        }
    }

    [Theory]
    [InlineData("cuMemHostAlloc:2", "cuMemHostAlloc")]
    [InlineData("cuModuleGetFunction:500", "exchange_2")]
    [InlineData("cuMemCreate:2,cuMemAlloc_v2:2@2", "peer memory")]
    public async Task One_rank_without_leaves_all_to_NCCL_with_its_reason(string failure, string reason)
    {
        await using DeviceJob job = DeviceJob.Start(2, rank => rank == 1 ? DeviceJob.Variables($"COLLECTIVES_ALLREDUCE_ROUTE=auto STUB_CUDA_FAIL={failure}") : DeviceJob.Variables("COLLECTIVES_ALLREDUCE_ROUTE=auto"), "kernels");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            Assert.Contains(reason, all.Of(rank, "objections").Message, StringComparison.Ordinal);
            Assert.StartsWith("Nccl: ", all.Of(rank, "route").Message, StringComparison.Ordinal);
            all.Went(rank, "reduce", "end");
        }
    }

    [Fact]
    public async Task Without_NCCL_our_kernels_reduce_and_copy()
    {
        await using DeviceJob job = DeviceJob.Start(2, "COLLECTIVES_ALLREDUCE_ROUTE=auto COLLECTIVES_NCCL_PATH=/nowhere", "kernels");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Went(rank, "reduce", "broadcast", "product", "end");
            Assert.StartsWith("OneShot: NCCL is not there", all.Of(rank, "route").Message);
        }
    }

    [Theory]
    [InlineData("kernels", 2)]
    [InlineData("kernels, threads", 1)]
    public async Task Ranks_that_share_a_GPU_reduce_by_our_kernels(string scenario, int processes)
    {
        await using DeviceJob job = DeviceJob.Start(processes, $"COLLECTIVES_ALLREDUCE_ROUTE=auto {DeviceJob.Gpus(1)}", scenario);
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Went(rank, "reduce", "broadcast", "end");
        }
    }

    [Theory]
    [MemberData(nameof(Gpus))]
    public async Task A_rank_that_stays_away_is_named_at_the_deadline_and_a_new_group_works(int gpus)
    {
        await using DeviceJob job = DeviceJob.Start(3, $"{OneShot} {DeviceJob.Gpus(gpus)}", "kernels, silent", "device-timeout=1");
        Report[] all = await job.FinishAsync();
        foreach (int rank in new[] { 0, 2 })
        {
            Report lost = all.Threw(rank, "wait", nameof(PeerLostException), "AllReduce(256 × Float32, Max)");
            Assert.Equal((1, job.ProcessOf(1), nameof(PeerLossReason.Silent)), (lost.LostRank, lost.LostProcess, lost.Reason));
            Assert.True(lost.Seconds < 8, lost.ToString());
            AssertEnded(all, rank);
        }

        all.Threw(1, "barrier", nameof(PeerLostException), "rank 1");
        all.Went(1, "again");
    }

    [Theory]
    [MemberData(nameof(Gpus))]
    public async Task A_rank_that_does_not_come_to_a_barrier_is_named_at_the_deadline_and_a_new_group_works(int gpus)
    {
        await using DeviceJob job = DeviceJob.Start(3, $"{OneShot} {DeviceJob.Gpus(gpus)}", "kernels, silent barrier", "device-timeout=1");
        Report[] all = await job.FinishAsync();
        foreach (int rank in new[] { 0, 2 })
        {
            all.Went(rank, "device barrier");
            Report lost = all.Threw(rank, "wait", nameof(PeerLostException), "Barrier, device call 2.");
            Assert.Equal((1, job.ProcessOf(1), nameof(PeerLossReason.Silent)), (lost.LostRank, lost.LostProcess, lost.Reason));
            Assert.True(lost.Seconds < 8, lost.ToString());
            all.Threw(rank, "another", nameof(PeerLostException));
            all.Went(rank, "drain", "again");
        }

        all.Threw(1, "barrier", nameof(PeerLostException), "rank 1");
        all.Threw(1, "another", nameof(PeerLostException));
        all.Went(1, "again");
    }

    [Fact]
    public async Task An_abort_frees_streams_that_wait_in_a_barrier_and_a_new_group_works()
    {
        await using DeviceJob job = DeviceJob.Start(1, $"{OneShot} {DeviceJob.Gpus(2)}", "kernels, aborted barrier");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            Assert.True(all.Threw(rank, "wait", nameof(GroupAbortedException), "the operator wants it").Seconds < 5);
            all.Went(rank, "drain", "again");
        }
    }

    [Theory]
    [MemberData(nameof(Gpus))]
    public async Task A_killed_rank_is_named_and_the_others_make_a_new_group(int gpus)
    {
        await using DeviceJob job = DeviceJob.Start(3, $"{OneShot} {DeviceJob.Gpus(gpus)}", "kernels, killed");
        await job.WaitUntilReadyAsync();
        int killed = job.ProcessOf(1);
        job.Kill(1);
        Report[] all = [.. await job.FinishAsync(0), .. await job.FinishAsync(2)];
        foreach (int rank in new[] { 0, 2 })
        {
            Report lost = all.Threw(rank, "loop", nameof(PeerLostException), "its process has ended");
            Assert.Equal((1, killed, nameof(PeerLossReason.ProcessEnded)), (lost.LostRank, lost.LostProcess, lost.Reason));
            all.Threw(rank, "call", nameof(PeerLostException));
            all.Went(rank, "drain", "again");
        }
    }

    [Fact]
    public async Task An_abort_frees_kernels_that_wait_and_a_new_group_works()
    {
        await using DeviceJob job = DeviceJob.Start(1, $"{OneShot} {DeviceJob.Gpus(2)}", "kernels, aborted");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            Assert.True(all.Threw(rank, "wait", nameof(GroupAbortedException), "the operator wants it").Seconds < 5);
            all.Went(rank, "drain", "again");
        }

        Assert.Equal("NaN", all.Of(0, "output").Message);
    }

    [Fact]
    public async Task A_stream_may_end_before_the_group_whose_call_waits_on_it()
    {
        await using DeviceJob job = DeviceJob.Start(1, $"{OneShot} {DeviceJob.Gpus(2)}", "kernels, stream disposed");
        Report[] all = await job.FinishAsync();
        Assert.True(all.Of(0, "dispose") is { Exception: "", Seconds: < 4 }, all.Of(0, "dispose").ToString());
        Assert.DoesNotContain("has not ended", all.Of(0, "warning").Message, StringComparison.Ordinal);
        all.Threw(1, "barrier", nameof(GroupAbortedException), "disposed while");
    }

    [Fact]
    public async Task A_stream_of_another_library_may_end_after_a_wait_that_a_fault_has_ended()
    {
        await using DeviceJob job = DeviceJob.Start(1, $"{OneShot} {DeviceJob.Gpus(2)}", "kernels, foreign stream");
        Report[] all = await job.FinishAsync();
        all.Threw(0, "wait", nameof(GroupAbortedException), "the operator wants it");
        all.Went(0, "drain", "dispose");
    }

    private static void AssertEnded(Report[] all, int rank)
    {
        all.Threw(rank, "call", nameof(PeerLostException));
        all.Threw(rank, "synchronize", nameof(PeerLostException));
        all.Went(rank, "drain", "again");
        Assert.Equal("NaN", all.Of(rank, "output").Message);
        Assert.Equal("True", all.Of(rank, "quarantine").Message);
    }
}
