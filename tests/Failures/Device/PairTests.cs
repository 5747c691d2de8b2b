using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Pairs of GPUs that can't be measured as they should.</summary>
public sealed class PairTests
{
    [Fact]
    public async Task Where_copies_to_a_peer_arrive_wrong_pairs_are_measured_over_NCCL_and_every_rank_knows_why()
    {
        await using DeviceJob job = DeviceJob.Start(2, "STUB_CUDA_BAD_COPY=1>0", "pairs");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Went(rank, "pairs", "barrier");
            Assert.Equal("Nccl:0:True Nccl:0:True", all.Of(rank, "ways").Message);
            Assert.Contains("the copy test failed from rank 1", all.Of(rank, "objection").Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_peer_memory_and_without_NCCL_the_messages_of_their_ranks_are_measured()
    {
        await using DeviceJob job = DeviceJob.Start(2, "STUB_CUDA_BAD_COPY=1>0 COLLECTIVES_NCCL_PATH=/nowhere", "pairs");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Went(rank, "pairs", "barrier");
            Assert.Equal("Host:0:True Host:0:True", all.Of(rank, "ways").Message);
            Assert.Contains("the copy test failed", all.Of(rank, "objection").Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_rank_whose_device_has_no_memory_for_it_is_named_on_all_ranks_and_the_group_lives_on()
    {
        await using DeviceJob job = DeviceJob.StartUnlike(2, "STUB_CUDA_FAIL=cuMemAlloc_v2:2", "pairs");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Threw(rank, "pairs", nameof(InvalidOperationException), "Group world: pairs can't be measured with copies of 65536 bytes. rank 1: 65536 bytes on device", "cuMemAlloc");
            all.Went(rank, "barrier");
        }
    }

    [Fact]
    public async Task A_copy_that_a_driver_refuses_is_told_with_its_pair_and_ends_nothing()
    {
        await using DeviceJob job = DeviceJob.StartUnlike(2, "STUB_CUDA_FAIL=cuEventElapsedTime:999@1", "pairs");
        Report[] all = await job.FinishAsync();
        for (int rank = 0; rank < 2; rank++)
        {
            all.Went(rank, "pairs", "barrier");
            Assert.Equal("PeerMemory:0:True PeerMemory:0:False", all.Of(rank, "ways").Message);
        }
    }
}
