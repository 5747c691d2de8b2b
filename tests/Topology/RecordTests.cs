using Xunit;

namespace CollectivesSharp.Topology.Tests;

public sealed class RecordTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("topology-").FullName;

    public static TheoryData<string> Recordings => [.. Snapshots.Names.Where(name => Snapshots.Has(name, TopologySnapshot.TreeFile))];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Recordings))]
    public void A_recording_of_a_recording_shows_the_same_machine(string name)
    {
        TopologySnapshot.Record(Path.Combine(_folder, "new"), new TopologyOptions { Snapshot = Path.Combine(Snapshots.Folder, name) });

        MachineTopology before = Snapshots.Detect(name), after = MachineTopology.Detect(new TopologyOptions { Snapshot = Path.Combine(_folder, "new") });
        Assert.Equal(new TopologyMatrix(before).ToString(), new TopologyMatrix(after).ToString());
        Assert.Equal(before.Adapters.Select(adapter => (adapter.Kind, adapter.Card, adapter.Bond, adapter.Active)), after.Adapters.Select(adapter => (adapter.Kind, adapter.Card, adapter.Bond, adapter.Active)));
        if (name != Snapshots.HostileName)
            Assert.Equal(before.Warnings, after.Warnings);
    }

    [Fact]
    public void UUIDs_GUIDs_and_addresses_are_replaced_equal_ones_by_equal_ones()
    {
        File.WriteAllText(Path.Combine(_folder, "tree.txt"), string.Join('\n',
            "/sys/bus/pci/devices\t/",
            "/sys/class/infiniband/mlx5_0/node_guid\t= b8e9:2403:004e:deb1",
            "/sys/class/infiniband/mlx5_0/sys_image_guid\t= b8e9:2403:004e:deb0",
            "/sys/class/infiniband/mlx5_1/sys_image_guid\t= b8e9:2403:004e:deb0",
            "/sys/class/infiniband/mlx5_0/ports/1/gids/0\t= fe80:0000:0000:0000:bae9:24ff:fe4e:deb0",
            "/sys/class/infiniband/mlx5_0/ports/1/gids/1\t= 0000:0000:0000:0000:0000:ffff:c0a8:1234",
            "/sys/class/infiniband/mlx5_0/ports/1/gids/2\t= 0000:0000:0000:0000:0000:0000:0000:0000",
            "/proc/1/cgroup\t= 0::/kubepods/besteffort/podc0ffee42-1234-4321-aaaa-0123456789ab"));
        File.WriteAllText(Path.Combine(_folder, "nvml.json"), """{"gpus": [{"busId": "00000000:17:00.0", "uuid": "GPU-ff0bae66-956f-991f-c01b-16a90c224e58", "fabric": {"clusterUuid": "0123456789abcdef0123456789abcdef"}}]}""");

        TopologySnapshot.Record(Path.Combine(_folder, "new"), new TopologyOptions { Snapshot = _folder });

        string written = File.ReadAllText(Path.Combine(_folder, "new", "tree.txt")) + File.ReadAllText(Path.Combine(_folder, "new", "nvml.json"));
        Assert.All(new[] { "deb0", "deb1", "c0a8", "1234", "ff0bae66", "0123456789", "podc0ffee" }, secret => Assert.DoesNotContain(secret, written, StringComparison.Ordinal));
        MachineTopology topology = MachineTopology.Detect(new TopologyOptions { Snapshot = Path.Combine(_folder, "new") });
        Assert.Equal([0, 0], topology.Adapters.Select(adapter => adapter.Card));
        Assert.StartsWith("fe80:0000:0000:0000:", topology.Adapters[0].Ports[0].Gids[0].Value, StringComparison.Ordinal);
        Assert.StartsWith("0000:0000:0000:0000:0000:ffff:", topology.Adapters[0].Ports[0].Gids[1].Value, StringComparison.Ordinal);
        Assert.Equal(2, topology.Adapters[0].Ports[0].Gids.Length);
        Assert.StartsWith("GPU-", topology.Gpus[0].Uuid, StringComparison.Ordinal);
        Assert.True(topology.Gpus[0].Fabric!.SpansHosts);
        Assert.Equal("kubernetes", topology.Platform.Container);
    }

    [Fact]
    public void Odd_bytes_of_a_file_survive_a_recording()
    {
        string root = Directory.CreateDirectory(Path.Combine(_folder, "root/sys/class/dmi/id")).FullName;
        File.WriteAllText(Path.Combine(root, "product_name"), "a\\b \u00fc\u20ac (\ud83d\ude00)\n");

        TopologySnapshot.Record(Path.Combine(_folder, "new"), new TopologyOptions { Root = Path.Combine(_folder, "root") });

        Assert.Equal("a\\b \u00fc\u20ac (\ud83d\ude00)", MachineTopology.Detect(new TopologyOptions { Snapshot = Path.Combine(_folder, "new") }).Platform.Product);
    }
}
