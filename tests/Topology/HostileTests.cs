using System.Diagnostics;
using Xunit;

namespace CollectivesSharp.Topology.Tests;

public sealed class HostileTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("topology-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Files_that_lie_end_as_warnings_and_what_is_left_is_still_told()
    {
        MachineTopology topology = Snapshots.Detect(Snapshots.HostileName);

        Assert.Equal(4, topology.Gpus.Length);
        Assert.Contains(topology.Gpus, gpu => gpu.Pci.Root == "pci0000:16" && gpu.Pci.NumaNode is null && gpu.Pci.LocalCpus is null);
        Assert.Contains(topology.Warnings, warning => warning is { Kind: TopologyWarningKind.FileMalformed } && warning.Subject.EndsWith("/numa_node", StringComparison.Ordinal));
        Assert.Contains(topology.Warnings, warning => warning is { Kind: TopologyWarningKind.FileMalformed } && warning.Subject.EndsWith("/rate", StringComparison.Ordinal));
        Assert.Contains(topology.Warnings, warning => warning is { Kind: TopologyWarningKind.FileUnreadable, Message: "its links lead in a circle" });
        Assert.Contains(topology.Warnings, warning => warning is { Kind: TopologyWarningKind.FileUnreadable, Message: "it is binary where text belongs" });
        Assert.Contains(topology.Warnings, warning => warning is { Kind: TopologyWarningKind.FileUnreadable, Message: "Permission denied" });
        Assert.All(topology.Warnings, warning => Assert.DoesNotContain(warning.ToString(), char.IsControl));
    }

    [Fact]
    public void An_empty_root_and_a_root_that_is_not_there_are_machines_with_nothing()
    {
        foreach (string root in new[] { _root, Path.Combine(_root, "nowhere"), "\0", "" })
        {
            MachineTopology topology = MachineTopology.Detect(new TopologyOptions { Root = root == "" ? Path.Combine(_root, "x/../y") : root });
            Assert.Empty(topology.Gpus);
            Assert.Contains(topology.Warnings, warning => warning.Kind == TopologyWarningKind.Missing);
            Assert.DoesNotContain(topology.Warnings, warning => warning.Kind == TopologyWarningKind.Internal);
        }
    }

    [Fact]
    public void A_snapshot_without_files_or_with_broken_ones_is_a_machine_with_warnings()
    {
        Assert.Contains(MachineTopology.Detect(new TopologyOptions { Snapshot = _root }).Warnings, warning => warning.Kind == TopologyWarningKind.NvmlUnavailable);
        File.WriteAllText(Path.Combine(_root, TopologySnapshot.TreeFile), "\0\u0001");
        File.WriteAllText(Path.Combine(_root, TopologySnapshot.NvmlFile), "{\"gpus\": 3");
        MachineTopology broken = MachineTopology.Detect(new TopologyOptions { Snapshot = _root });
        Assert.Contains(broken.Warnings, warning => warning.Kind == TopologyWarningKind.NvmlUnavailable && warning.Message.Contains("nvml.json can't be read", StringComparison.Ordinal));
        Assert.Contains(broken.Warnings, warning => warning.Subject == "line 1");
    }

    [Fact]
    public void On_a_disk_pipes_devices_loops_huge_files_and_missing_permissions_neither_hang_nor_throw()
    {
        Stopwatch watch = Stopwatch.StartNew();
        string device = Made("sys/devices/pci0000:00/0000:00:01.0");
        Made("sys/bus/pci/devices");
        File.CreateSymbolicLink(Path.Combine(_root, "sys/bus/pci/devices/0000:00:01.0"), "../../../devices/pci0000:00/0000:00:01.0");
        File.WriteAllText(Path.Combine(device, "class"), "0x030200\n");
        File.WriteAllText(Path.Combine(device, "vendor"), "0x10de\n");
        Pipe(Path.Combine(device, "numa_node"));
        File.CreateSymbolicLink(Path.Combine(device, "device"), "device");
        File.WriteAllBytes(Path.Combine(device, "local_cpulist"), new byte[1 << 20]);
        File.WriteAllText(Path.Combine(device, "max_link_speed"), new string('1', 1 << 20));
        File.CreateSymbolicLink(Path.Combine(device, "current_link_speed"), "/dev/zero");
        Directory.CreateDirectory(Path.Combine(device, "max_link_width"));
        File.WriteAllText(Path.Combine(device, "subsystem_vendor"), "0x10de");
        File.SetUnixFileMode(Path.Combine(device, "subsystem_vendor"), UnixFileMode.None);

        MachineTopology topology = MachineTopology.Detect(new TopologyOptions { Root = _root });

        Gpu gpu = Assert.Single(topology.Gpus);
        Assert.Equal(("pci0000:00", null, null), (gpu.Pci.Root, gpu.Pci.NumaNode, gpu.Pci.LocalCpus));
        Assert.Equal(default, gpu.Pci.Link);
        Assert.DoesNotContain(topology.Warnings, warning => warning.Kind == TopologyWarningKind.Internal);
        Assert.Contains(topology.Warnings, warning => warning.Subject.EndsWith("/local_cpulist", StringComparison.Ordinal));
        Assert.Contains(topology.Warnings, warning => warning.Subject.EndsWith("/max_link_speed", StringComparison.Ordinal) && warning.Message.Contains("longer than", StringComparison.Ordinal));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed}");
    }

    [Fact]
    public void A_link_of_a_copied_tree_stays_inside_the_copy()
    {
        Made("sys/bus/pci/devices");
        File.CreateSymbolicLink(Path.Combine(_root, "proc"), "/proc");
        File.CreateSymbolicLink(Path.Combine(_root, "sys/class"), "../../../../../../../../sys/class");

        MachineTopology topology = MachineTopology.Detect(new TopologyOptions { Root = _root });

        // The copy's /proc leads to itself, its /sys/class to the copy's own: nothing of this machine is seen.
        Assert.Equal("", topology.Platform.CpuName + topology.Platform.Kernel);
        Assert.Empty(topology.Adapters);
    }

    private static void Pipe(string path)
    {
        using Process process = Process.Start("mkfifo", [path]);
        Assert.True(process.WaitForExit(10_000));
    }

    private string Made(string folder) => Directory.CreateDirectory(Path.Combine(_root, folder)).FullName;
}
