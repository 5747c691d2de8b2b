using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Communicators;

public sealed unsafe class SharedSegmentTests
{
    [Fact]
    public void More_than_the_free_shared_memory_is_an_error_with_both_sizes()
    {
        const long TooMuch = 1L << 60;
        IOException refused = Assert.Throws<IOException>(() => { SharedSegment.Create(TooMuch); });
        Assert.Matches($"needs {TooMuch} bytes of shared memory and /dev/shm has [0-9]+ bytes free", refused.Message);
    }

    [Fact]
    public void A_segment_is_zero_has_no_name_and_is_one_memory_in_every_mapping()
    {
        int descriptor = SharedSegment.Create(100_000);
        using SharedSegment first = SharedSegment.Map(descriptor, 100_000), second = SharedSegment.Map(descriptor, 100_000);
        Assert.EndsWith("(deleted)", new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"/proc/self/fd/{descriptor}"));
        Assert.Equal(0, PosixNative.close(descriptor));
        Assert.False(new ReadOnlySpan<byte>(first.Base, 100_000).ContainsAnyExcept((byte)0));
        first.Base[99_999] = 7;
        Assert.Equal(7, second.Base[99_999]);
    }

    [Theory]
    [InlineData(1, 4096)]
    [InlineData(3, 4096)]
    [InlineData(64, 256 << 10)]
    [InlineData(1000, 256 << 20)]
    public void Areas_follow_each_other_on_page_boundaries(int ranks, int chunk)
    {
        SegmentLayout layout = new(ranks, chunk);
        Assert.True(layout.StagingOffset >= SegmentLayout.CellsOffset + ((long)ranks * SegmentLayout.CellBytes));
        Assert.Equal(0, layout.StagingOffset % SegmentLayout.PageBytes);
        Assert.Equal(layout.StagingOffset + (2L * ranks * chunk), layout.ResultOffset);
        Assert.Equal(layout.ResultOffset + (2L * chunk), layout.RingOffset(0, 0));
        Assert.Equal(layout.RingOffset(0, 0) + (((long)ranks * ranks) - 1) * (SegmentLayout.RingHeaderBytes + layout.RingBytes), layout.RingOffset(ranks - 1, ranks - 1));
        Assert.InRange(layout.TotalBytes - (layout.RingOffset(ranks - 1, ranks - 1) + SegmentLayout.RingHeaderBytes + layout.RingBytes), 0, SegmentLayout.PageBytes - 1);
        Assert.True(int.IsPow2(layout.RingBytes) && layout.RingBytes >= 2 * HostMessage.EagerBytes, $"{layout.RingBytes}");
    }
}
