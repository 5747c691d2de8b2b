using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Xunit;

namespace CollectivesSharp.Topology.Tests;

public sealed class FuzzTests
{
    private static readonly string[] s_contents =
    [
        "", "N/A", "-1", "0", "1", "99999999999999999999", "-2147483648", "0x", "0xffffffffff", "0x030200", "0x10de", "0x068000", "0-", "0-8191", "8191-0", "0,0,0,0-31", "\\x00\\x01", "\\xff\\xfe", "a\\nb\\nc", "\\t",
        "4: ACTIVE", "Ethernet", "InfiniBand", "RoCE v2", "IB/RoCE v1", "1e308 Gb/sec", "NaN GT/s", "fe80:0000:0000:0000:0000:0000:0000:0001", "..", "/", "up", "7: ", new('9', 70_000), "<&\">", "\ud800",
    ];

    private static readonly string[] s_targets = [".", "..", "/", "/sys", "../../..", "nowhere", "/sys/bus/pci/devices/0000:00:06.0", "../../../../../../../..", "self", "//sys//class/./net/..", "\0"];

    private static readonly string[] s_names = ["h100-vm", "a100-bridge-pair", "made-up-mig", "made-up-vm-hidden-nvswitch", "a100-four-direct"];

    private readonly (string[] Tree, string Nvml)[] _machines = [.. s_names.Select(name => (Snapshots.Text(name, TopologySnapshot.TreeFile).Split('\n'), Snapshots.Text(name, TopologySnapshot.NvmlFile)))];

    [Fact]
    public void Whatever_a_machine_shows_detection_and_every_output_end_without_an_exception()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_SEED"), CultureInfo.InvariantCulture, out int given) ? given : Random.Shared.Next();
        int trees = int.TryParse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_FUZZ"), CultureInfo.InvariantCulture, out int asked) ? asked : 10_000;
        Parallel.For(0, trees, new ParallelOptions { MaxDegreeOfParallelism = 2 }, number =>
        {
            Random random = new(HashCode.Combine(0x70b0, number) ^ seed);
            (string[] tree, string nvml) = _machines[random.Next(_machines.Length)];
            string mutatedTree = MutateTree(tree, random), mutatedNvml = random.Next(3) == 0 ? nvml : MutateJson(nvml, random);
            try
            {
                Check(mutatedTree, mutatedNvml, random);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"COLLECTIVES_TEST_SEED={seed}, tree {number}: {e.Message}\n{mutatedTree}\n{mutatedNvml}", e);
            }
        });
    }

    private static void Check(string tree, string nvml, Random random)
    {
        string? visible = random.Next(4) switch { 0 => "1,0", 1 => "MIG-,GPU-", 2 => ",,-1", _ => null };
        MachineTopology topology = new TopologySnapshot(tree, nvml).Detect(new TopologyOptions { Snapshot = "", VisibleDevices = visible });
        Assert.DoesNotContain(topology.Warnings, warning => warning.Kind == TopologyWarningKind.Internal);
        Assert.True(topology.Warnings.Length <= 200);
        TopologyMatrix matrix = new(topology);
        for (int row = 0; row < matrix.Rows.Length; row++)
        {
            Assert.Equal("X", matrix.Rows[row][row]);
            for (int column = 0; column < row; column++)
                Assert.Equal(matrix.Rows[row][column], matrix.Rows[column][row]);
        }

        if (random.Next(8) != 0)
            return;
        Assert.NotEmpty(matrix.ToString());
        Assert.NotEmpty(new PeerMatrix(topology, PeerCapability.Read).ToString());
        Assert.NotEmpty(TopologyTree.Write(topology));
        Assert.NotEmpty(TopologyJson.Write(topology));
        _ = XDocument.Parse(TopologyDrawing.Write(topology));
        string xml = NcclTopologyXml.Write(topology);
        _ = XDocument.Parse(xml);
        StringBuilder text = new(xml);
        for (int i = 0; i < 4; i++)
            text[random.Next(text.Length)] = (char)random.Next(32, 127);
        Assert.DoesNotContain(NcclTopologyXml.Read(text.ToString()).Warnings, warning => warning.Kind == TopologyWarningKind.Internal);
    }

    private static string MutateTree(string[] lines, Random random)
    {
        StringBuilder text = new();
        int rate = random.Next(2, 40);
        foreach (string line in lines)
        {
            int tab = line.IndexOf('\t');
            string path = tab < 0 ? line : line[..tab];
            text.Append(random.Next(rate) != 0 ? line : random.Next(10) switch
            {
                0 => "",
                1 or 2 or 3 => $"{path}\t= {s_contents[random.Next(s_contents.Length)]}",
                4 => $"{path}\t-> {s_targets[random.Next(s_targets.Length)]}",
                5 => $"{path}\t! Input/output error",
                6 => $"{path}\t/",
                7 => $"{path}\t{lines[random.Next(lines.Length)]}",
                8 => line[..random.Next(line.Length + 1)],
                _ => $"{path}/{random.Next(3)}\t= x\n{line}",
            }).Append('\n');
        }

        return text.ToString();
    }

    private static string MutateJson(string json, Random random)
    {
        StringBuilder text = new(json);
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            int at = random.Next(text.Length);
            switch (random.Next(4))
            {
                case 0:
                    text[at] = (char)random.Next(32, 127);
                    break;
                case 1:
                    text.Remove(at, Math.Min(random.Next(1, 30), text.Length - at));
                    break;
                default:
                    // One value for another keeps most of it valid.
                    string value = random.Next(6) switch { 0 => "null", 1 => "-1", 2 => "2147483647", 3 => "\"\"", 4 => "true", _ => "99" };
                    int start = text.ToString().IndexOf(": ", at, StringComparison.Ordinal);
                    if (start > 0)
                    {
                        int end = text.ToString().IndexOfAny([',', '}', ']'], start);
                        if (end > 0)
                            text.Remove(start + 2, end - start - 2).Insert(start + 2, value);
                    }

                    break;
            }
        }

        return text.ToString();
    }
}
