using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Unit.Cuda;

public sealed class DeviceSpanTests
{
    [Theory]
    [InlineData(0x1000, 0x3FFFFFFFFFFFFC00)]
    [InlineData(-1, 1)]
    [InlineData(0, 0x4000000000000000)]
    public void A_span_that_goes_beyond_the_last_address_is_refused(long pointer, ulong length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeviceSpan<float>((nint)pointer, (nuint)length));

    [Fact]
    public void A_slice_stays_inside()
    {
        DeviceSpan<float> span = new(0x1000, 10);
        Assert.Equal((0x1008, (nuint)3), (span.Slice(2, 3).Pointer, span.Slice(2, 3).Length));
        Assert.True(span.Slice(10).IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => span.Slice(11));
        Assert.Throws<ArgumentOutOfRangeException>(() => span.Slice(8, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => span.Slice(1, nuint.MaxValue));
    }

    [Fact]
    public void A_cast_leaves_out_what_is_no_whole_element() => Assert.Equal((nuint)1, new DeviceSpan<byte>(0x1000, 15).Cast<long>().Length);
}
