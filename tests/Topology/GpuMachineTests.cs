using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace CollectivesSharp.Topology.Tests;

/// <summary>Where there is a GPU: the driver's own tool is what we are compared with.</summary>
public sealed partial class GpuMachineTests
{
    [Fact]
    public void The_matrix_is_what_nvidia_smi_prints_cell_by_cell()
    {
        ExpectedMatrix expected = ExpectedMatrix.Parse(Ask("-m"));
        MachineTopology topology = MachineTopology.Detect();

        Assert.Empty(expected.Differences(new TopologyMatrix(topology), topology));
    }

    [Theory]
    [InlineData("r", PeerCapability.Read)]
    [InlineData("w", PeerCapability.Write)]
    [InlineData("n", PeerCapability.NvLink)]
    [InlineData("a", PeerCapability.Atomics)]
    [InlineData("p", PeerCapability.Pcie)]
    public void Peer_access_is_what_nvidia_smi_prints_cell_by_cell(string letter, PeerCapability capability)
    {
        ExpectedMatrix expected = ExpectedMatrix.Parse(Ask("-p2p", letter));
        PeerMatrix matrix = new(MachineTopology.Detect(), capability);

        Assert.Equal(expected.Columns, matrix.Labels);
        Assert.All(matrix.Rows.Index(), row => Assert.Equal(expected.Rows[matrix.Labels[row.Index]], row.Item));
    }

    [Fact]
    public void The_drivers_PCIe_levels_and_those_of_sysfs_agree()
    {
        Skip();
        MachineTopology topology = MachineTopology.Detect();
        Assert.All(topology.Gpus, first => Assert.All(topology.Gpus, second => Assert.Equal(topology.PathBetween(first.Pci, second.Pci), topology.PathBetween(first, second))));
    }

    [Fact]
    public void Detection_takes_less_than_50_ms_beyond_NVMLs_answers()
    {
        Skip();
        NvmlSnapshot answers = NvmlReader.Read();
        TimeSpan best = TimeSpan.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            Stopwatch watch = Stopwatch.StartNew();
            MachineTopology topology = Detector.Detect(new DiskFileTree("/"), answers, new TopologyOptions());
            best = TimeSpan.FromTicks(Math.Min(best.Ticks, watch.Elapsed.Ticks));
            Assert.NotEmpty(topology.Gpus);
        }

        Assert.True(best < TimeSpan.FromMilliseconds(50), $"{best.TotalMilliseconds} ms");
    }

    private static void Skip() => Assert.SkipUnless(Directory.Exists("/proc/driver/nvidia/gpus"), "no NVIDIA GPU here");

    private static string Ask(params string[] arguments)
    {
        Skip();
        using Process process = Process.Start(new ProcessStartInfo("nvidia-smi", ["topo", .. arguments]) { RedirectStandardOutput = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Assert.True(process.WaitForExit(30_000), "nvidia-smi did not end");
        // The header is underlined; the table ends before the legend.
        return Escapes().Replace(output.Result, "").Split("Legend:")[0];
    }

    [GeneratedRegex("\u001b\\[[0-9;]*m")]
    private static partial Regex Escapes();
}
