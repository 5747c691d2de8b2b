using Xunit;

namespace CollectivesSharp.Topology.Tests;

public sealed class SnapshotTests
{
    public static TheoryData<string> All => [.. Snapshots.Names];

    public static TheoryData<string> WithMatrix => [.. Snapshots.Names.Where(name => name != Snapshots.HostileName)];

    [Theory]
    [MemberData(nameof(WithMatrix))]
    public void The_matrix_of_a_recorded_machine_is_its_sources_own_cell_by_cell(string name)
    {
        ExpectedMatrix expected = ExpectedMatrix.Parse(Snapshots.Text(name, "matrix.txt"));
        MachineTopology topology = Snapshots.Detect(name);

        Assert.NotEmpty(expected.Rows);
        Assert.Empty(expected.Differences(new TopologyMatrix(topology, expected.PcieOnly), topology));
    }

    [Fact]
    public void There_are_a_dozen_machines_and_at_most_four_are_made_up_which_say_so()
    {
        string[] madeUp = [.. Snapshots.Names.Where(name => name.StartsWith("made-up-", StringComparison.Ordinal))];

        Assert.True(Snapshots.Names.Length - madeUp.Length >= 12, $"{Snapshots.Names.Length} snapshots, {madeUp.Length} made up");
        Assert.True(madeUp.Length <= 4, string.Join(' ', madeUp));
        Assert.All(Snapshots.Names, name => Assert.Contains(madeUp.Contains(name) ? "# Made up:" : name == "h100-vm" ? "Recorded on" : "Source: https://", Snapshots.Text(name, "README.md"), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void No_recorded_machine_makes_a_part_of_detection_fail(string name) =>
        Assert.DoesNotContain(Snapshots.Detect(name).Warnings, warning => warning.Kind == TopologyWarningKind.Internal);

    [Theory]
    [InlineData(PeerCapability.Read)]
    [InlineData(PeerCapability.Write)]
    [InlineData(PeerCapability.NvLink)]
    [InlineData(PeerCapability.Atomics)]
    [InlineData(PeerCapability.Pcie)]
    public void The_peer_matrix_of_the_H100_machine_is_what_nvidia_smi_printed_there(PeerCapability capability)
    {
        ExpectedMatrix expected = ExpectedMatrix.Parse(Snapshots.Text("h100-vm", $"p2p-{capability.ToString().ToLowerInvariant()}.txt"));
        PeerMatrix matrix = new(Snapshots.Detect("h100-vm"), capability);

        Assert.Equal(expected.Columns, matrix.Labels);
        Assert.All(matrix.Rows.Index(), row => Assert.Equal(expected.Rows[matrix.Labels[row.Index]], row.Item));
    }

    [Fact]
    public void The_drivers_PCIe_level_and_the_one_of_sysfs_are_the_same_on_the_H100_machine()
    {
        MachineTopology topology = Snapshots.Detect("h100-vm");

        Assert.Equal(PciePath.HostBridge, topology.PathBetween(topology.Gpus[0], topology.Gpus[1]));
        Assert.Equal(PciePath.HostBridge, topology.PathBetween(topology.Gpus[0].Pci, topology.Gpus[1].Pci));
    }
}
