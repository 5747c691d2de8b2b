using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>What NCCL finds in the environment of the C library.</summary>
public sealed class DeviceEnvironmentTests
{
    [Theory]
    [InlineData("COLLECTIVES_HOST_ID=nodeA", "NCCL_HOSTID=nodeA")]
    [InlineData("COLLECTIVES_HOST_ID=nodeA NCCL_HOSTID=mine", "NCCL_HOSTID=mine")]
    [InlineData("", "NCCL_HOSTID is not set")]
    public async Task NCCL_sees_the_nodes_that_the_group_sees_unless_the_user_has_said_otherwise(string everywhere, string seen)
    {
        using Scratch scratch = new();
        await using DeviceJob job = DeviceJob.Start(2, everywhere + $" STUB_NCCL_LOG={scratch.File}", "create", "device=required");
        (await job.FinishAsync()).Went(0, "create", "device call");
        Assert.Equal(2, scratch.Text.Split('\n').Count(line => line.EndsWith($"env {seen}", StringComparison.Ordinal)));
        Assert.Contains("env NCCL_SOCKET_IFNAME is not set", scratch.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("COLLECTIVES_SOCKET_IFNAME=eth7", "eth7")]
    [InlineData("COLLECTIVES_SOCKET_IFNAME=eth7 NCCL_SOCKET_IFNAME=ib0", "ib0")]
    [InlineData("NCCL_SOCKET_IFNAME=ib0", "ib0")]
    [InlineData("COLLECTIVES_WORLD_SIZE=2 COLLECTIVES_LOCAL_SIZE=1 COLLECTIVES_MASTER_ADDR=127.0.0.1 COLLECTIVES_MASTER_PORT=29500", "not set")]
    public async Task Groups_that_span_machines_tell_NCCL_the_interface_that_was_named(string variables, string seen)
    {
        await using DeviceJob job = DeviceJob.Start(1, variables, "environment");
        Assert.Equal(seen, (await job.FinishAsync()).Of(0, "NCCL_SOCKET_IFNAME").Message);
    }

    [Fact]
    public async Task Groups_that_span_machines_tell_NCCL_the_interface_on_the_way_to_the_master()
    {
        (string Name, System.Net.IPAddress Address)? found = DeviceRank.FindInterface();
        Assert.SkipWhen(found is null, "This machine has no interface but the loopback.");
        await using DeviceJob job = DeviceJob.Start(1, $"COLLECTIVES_WORLD_SIZE=2 COLLECTIVES_LOCAL_SIZE=1 COLLECTIVES_MASTER_ADDR={found!.Value.Address} COLLECTIVES_MASTER_PORT=29500", "environment");
        Assert.Equal($"={found.Value.Name}", (await job.FinishAsync()).Of(0, "NCCL_SOCKET_IFNAME").Message);
    }
}
