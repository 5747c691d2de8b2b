using Xunit;

namespace CollectivesSharp.Topology.Tests;

public sealed class VisibleDevicesTests
{
    [Theory]
    [InlineData(null, "0,1,2")]
    [InlineData("", "")]
    [InlineData("-1", "")]
    [InlineData("NoDevFiles", "")]
    [InlineData("2,0", "2,0")]
    [InlineData(" 1 , 2 ", "1,2")]
    [InlineData("1,7,0", "1")]
    [InlineData("0,x,1", "0")]
    [InlineData("1,1", "")]
    [InlineData("GPU-00000000-0000-0000-0000-000000000002", "1")]
    [InlineData("GPU-00000000-0000-0000-0000-000000000003,0", "2,0")]
    [InlineData("GPU-0000", "")]
    [InlineData("MIG-00000000-0000-0000-0000-0000000000a2", "0")]
    [InlineData("MIG-00000000-0000-0000-0000-0000000000a1,MIG-00000000-0000-0000-0000-0000000000a3,2", "0,0,2")]
    [InlineData("MIG-GPU-00000000-0000-0000-0000-000000000001/3/0", "0")]
    [InlineData("MIG-GPU-00000000-0000-0000-0000-000000000009/3/0", "")]
    public void CUDA_VISIBLE_DEVICES_names_GPUs_by_number_UUID_or_MIG_instance(string? variable, string expected) =>
        Assert.Equal(expected, string.Join(',', Snapshots.Detect("made-up-mig", variable).VisibleGpus.Select(gpu => gpu.Index)));

    [Fact]
    public void An_entry_that_names_nothing_ends_the_list_and_is_warned_of()
    {
        TopologyWarning warning = Assert.Single(Snapshots.Detect("made-up-mig", "1,9").Warnings, warning => warning.Kind == TopologyWarningKind.VisibleDevices);
        Assert.Contains("'9'", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_are_matched_by_PCI_address_in_every_spelling()
    {
        MachineTopology topology = Snapshots.Detect("made-up-mig");

        Assert.True(PciAddress.TryParse("00000000:65:00.0", out PciAddress address));
        Assert.Equal(1, topology.FindGpu(address)!.Index);
        Assert.True(PciAddress.TryParse("65:00.0", out address));
        Assert.Equal(1, topology.FindGpu(address)!.Index);
        Assert.False(PciAddress.TryParse("0000:65:20.0", out _));
        Assert.False(PciAddress.TryParse("FFFFFFFF:FF:FF.0", out _));
    }
}
