using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>What a call refuses; one process does it all wrong, each case asks what it said.</summary>
public sealed class DeviceArgumentTests : IAsyncLifetime
{
    private static Report[]? s_said;
    private static Report[]? s_alone;

    public async ValueTask InitializeAsync()
    {
        if (s_said is not null)
            return;
        await using DeviceJob alone = DeviceJob.Start(1, "", "alone");
        await using DeviceJob job = DeviceJob.Start(1, "STUB_NCCL_LAZY_CONNECT=1", "arguments");
        s_said = await job.FinishAsync();
        s_alone = await alone.FinishAsync();
    }

    public ValueTask DisposeAsync() => default;

    [Theory]
    [InlineData("host pointer", "ArgumentException", "is no device memory: CUDA does not know it. Host memory goes to the overloads with Span<T>.")]
    [InlineData("null pointer", "ArgumentNullException", "A device pointer is 0.")]
    [InlineData("null pointer without elements", "", "")]
    [InlineData("misaligned pointer", "ArgumentException", "is not aligned to an element of Float32, 4 bytes")]
    [InlineData("misaligned pointer that was good for bytes", "ArgumentException", "is not aligned to an element of Float32, 4 bytes")]
    [InlineData("memory of another device", "ArgumentException", "is memory of 1 Stub GPU 1 0000:11:00.0; this rank of the group uses 0 Stub GPU 0 0000:10:00.0")]
    [InlineData("stream of another device", "ArgumentException", "belongs to 1 Stub GPU 1 0000:11:00.0; this rank of the group uses 0 Stub GPU 0 0000:10:00.0")]
    [InlineData("stream of another device for NCCL", "ArgumentException", "belongs to 1 Stub GPU 1 0000:11:00.0; this rank of the group uses 0 Stub GPU 0 0000:10:00.0")]
    [InlineData("no stream", "ArgumentException", "is no stream")]
    [InlineData("barrier on a stream of another device", "ArgumentException", "belongs to 1 Stub GPU 1 0000:11:00.0; this rank of the group uses 0 Stub GPU 0 0000:10:00.0")]
    [InlineData("count overflow", "ArgumentOutOfRangeException", "more bytes than there are addresses")]
    [InlineData("span overflow", "ArgumentOutOfRangeException", "go beyond the last address")]
    [InlineData("overlap", "ArgumentException", "overlap")]
    [InlineData("out of memory", "CudaException", "8796093022208 bytes on device 0 Stub GPU 0 0000:10:00.0: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2)")]
    [InlineData("ordinal out of range", "ArgumentOutOfRangeException", "Visible: 0 Stub GPU 0 0000:10:00.0, 1 Stub GPU 1 0000:11:00.0")]
    public void Pointers_streams_and_sizes_that_can_not_be_right_are_refused_before_NCCL_sees_them(string step, string exception, string text) => s_said!.Threw(0, step, exception, text);

    [Theory]
    [InlineData("disposed graph", "CudaGraphExec")]
    [InlineData("disposed buffer", "DeviceBuffer")]
    [InlineData("disposed stream", "CudaStream")]
    [InlineData("disposed stream, synchronise", "CudaStream")]
    [InlineData("disposed group", "GroupCoordinator")]
    [InlineData("disposed group, batch", "GroupCoordinator")]
    [InlineData("disposed group, synchronise", "GroupCoordinator")]
    public void What_is_disposed_says_so(string step, string type) => s_said!.Threw(0, step, nameof(ObjectDisposedException), type);

    [Theory]
    [InlineData("scaled sum of another group", "ArgumentException", "another group")]
    [InlineData("scaled sum of another type", "ArgumentException", "A premultiplied sum of Float64 for elements of Float32.")]
    [InlineData("scaled sum of another library", "ArgumentException", "another group")]
    [InlineData("disposed scaled sum", "ObjectDisposedException", "PremultipliedSum")]
    [InlineData("no such reduction", "ArgumentOutOfRangeException", "No such reduction.")]
    [InlineData("no such root", "ArgumentOutOfRangeException", "0 to 1")]
    [InlineData("registration of nothing", "ArgumentOutOfRangeException", "")]
    [InlineData("registration of host memory", "ArgumentException", "is no device memory")]
    [InlineData("exception in a batch", "InvalidTimeZoneException", "the user's own")]
    [InlineData("end without a batch", "InvalidOperationException", "EndBatch without BeginBatch")]
    [InlineData("concurrent calls", "InvalidOperationException", "AllReduce(256 × Float32, Max) on group world while AllReduce(256 × Float32, Max) of another thread is being enqueued")]
    public void Operations_that_make_no_sense_are_refused(string step, string exception, string text) => s_said!.Threw(0, step, exception, text);

    [Theory]
    [InlineData("synchronise a capture", "InvalidOperationException", "what it would wait for does not run yet")]
    [InlineData("allocation in a capture", "CudaException", "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")]
    [InlineData("end of an invalid capture", "CudaException", "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED")]
    [InlineData("capture thrown away", "", "")]
    [InlineData("end of an ended capture", "InvalidOperationException", "This capture has ended.")]
    public void Captures_refuse_what_can_not_be_recorded_and_leave_a_stream_that_works(string step, string exception, string text) => s_said!.Threw(0, step, exception, text);

    [Fact]
    public void A_thread_that_never_touched_CUDA_may_call_and_the_group_works_after_everything_that_was_refused()
    {
        s_said!.Went(0, "a thread that never touched CUDA", "afterwards");
        s_said!.Went(1, "a thread that never touched CUDA", "afterwards");
    }

    [Theory]
    [InlineData("reduce", "", "")]
    [InlineData("host pointer", "ArgumentException", "is no device memory")]
    [InlineData("misaligned pointer", "ArgumentException", "is not aligned")]
    [InlineData("count overflow", "ArgumentOutOfRangeException", "more bytes than there are addresses")]
    [InlineData("no such reduction", "ArgumentOutOfRangeException", "No such reduction.")]
    [InlineData("scaled sum", "ArgumentException", "another group")]
    [InlineData("scaled sum is made", "NotSupportedException", "one rank")]
    [InlineData("registration of nothing", "ArgumentOutOfRangeException", "")]
    [InlineData("aborted", "GroupAbortedException", "enough")]
    public void A_group_of_one_refuses_what_larger_ones_refuse(string step, string exception, string text) => s_alone!.Threw(0, step, exception, text);
}
