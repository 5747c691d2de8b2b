using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>When a group may let its next kernel in early.</summary>
public sealed class DeviceShareTests
{
    [Fact]
    public void Alone_on_a_device_every_launch_may_start_early()
    {
        DeviceShare alone = new(1001, 132);
        for (int call = 0; call < 3; call++)
            Assert.True(alone.Take(132, 512));
        alone.Release();
    }

    [Fact]
    public void Beside_another_group_two_grids_together_are_no_larger_than_one()
    {
        DeviceShare share = new(1002, 132), elsewhere = new(1003, 132), other = new(1002, 132);
        Assert.True(elsewhere.Take(132, 512) && elsewhere.Take(132, 512));
        Assert.True(share.Take(132, 512));
        Assert.False(share.Take(132, 512));
        Assert.False(share.Take(1, 128));
        Assert.True(share.Take(64, 128));
        Assert.True(share.Take(68, 512));
        Assert.False(share.Take(65, 512));

        // A block of 1024 threads holds a multiprocessor.
        Assert.False(share.Take(34, 1024));
        Assert.True(share.Take(32, 1024));
        other.Release();
        Assert.True(share.Take(132, 512) && share.Take(132, 512));
    }
}
