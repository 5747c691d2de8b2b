using System.Collections.Immutable;
using System.Text.Json;
using System.Xml.Linq;
using Xunit;

namespace CollectivesSharp.Topology.Tests;

public sealed class OutputTests
{
    public static TheoryData<string> All => [.. Snapshots.Names];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_output_of_every_machine_can_be_parsed(string name)
    {
        MachineTopology topology = Snapshots.Detect(name);

        JsonElement json = JsonDocument.Parse(TopologyJson.Write(topology)).RootElement;
        Assert.Equal(topology.Gpus.Length, json.GetProperty("machine").GetProperty("gpus").GetArrayLength());
        Assert.Equal("svg", XDocument.Parse(TopologyDrawing.Write(topology)).Root!.Name.LocalName);
        Assert.Equal("system", XDocument.Parse(NcclTopologyXml.Write(topology)).Root!.Name.LocalName);
        Assert.All(topology.Gpus, gpu => Assert.Contains(gpu.Label, TopologyTree.Write(topology), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("dgx-a100")]
    [InlineData("h100-infiniband-rails")]
    [InlineData("b200-one-gpu-off-the-fabric")]
    [InlineData("v100-cube-mesh")]
    [InlineData("a100-bridge-pair")]
    [InlineData("h100-vm")]
    [InlineData("made-up-vm-hidden-nvswitch")]
    public void NCCLs_XML_read_back_gives_the_same_matrix_but_for_host_bridges(string name)
    {
        MachineTopology topology = Snapshots.Detect(name), back = NcclTopologyXml.Read(NcclTopologyXml.Write(topology));
        TopologyMatrix before = new(topology), after = new(back);
        int[] places = [.. after.Labels.Select((label, row) => label.StartsWith("GPU", StringComparison.Ordinal) ? row : before.Labels.IndexOf($"NIC{before.AdapterNames.IndexOf(after.AdapterNames[row - back.Gpus.Length])}"))];

        Assert.Equal(topology.Gpus.Length, back.Gpus.Length);
        Assert.Equal(topology.Adapters.Count(adapter => adapter is { IsRdma: true, Active: true }), back.Adapters.Length);
        for (int row = 0; row < places.Length; row++)
        {
            for (int column = 0; column < places.Length; column++)
                Assert.Equal(before.Rows[places[row]][places[column]].Replace("NODE", "PHB", StringComparison.Ordinal), after.Rows[row][column]);
        }
    }

    [Fact]
    public void NCCLs_XML_says_processors_links_and_adapters_in_NCCLs_words()
    {
        XElement system = XDocument.Parse(NcclTopologyXml.Write(Snapshots.Detect("dgx-a100"))).Root!;
        XElement cpu = system.Elements("cpu").Single(element => (string?)element.Attribute("numaid") == "3");

        Assert.Equal("1", (string?)system.Attribute("version"));
        Assert.Equal(("x86_64", "AuthenticAMD", "143", "49"), ((string?)cpu.Attribute("arch"), (string?)cpu.Attribute("vendor"), (string?)cpu.Attribute("familyid"), (string?)cpu.Attribute("modelid")));
        Assert.Equal("ffff0000,00000000,00000000,00000000,ffff0000,00000000", (string?)cpu.Attribute("affinity"));
        // Two levels of switches above a GPU, as in NCCL's own dump of this machine.
        XElement gpu = cpu.Descendants("gpu").First();
        Assert.Equal(["0000:07:00.0", "0000:04:00.0", "0000:01:00.0"], gpu.Ancestors("pci").Select(pci => (string?)pci.Attribute("busid")));
        Assert.Equal(("0", "80", "0", "1"), ((string?)gpu.Attribute("dev"), (string?)gpu.Attribute("sm"), (string?)gpu.Attribute("rank"), (string?)gpu.Attribute("gdr")));
        Assert.Equal(("12", "0x068000"), ((string?)gpu.Element("nvlink")!.Attribute("count"), (string?)gpu.Element("nvlink")!.Attribute("tclass")));
        XElement net = cpu.Descendants("net").First();
        Assert.Equal(("mlx5_0", "200000", "1"), ((string?)net.Attribute("name"), (string?)net.Attribute("speed"), (string?)net.Attribute("port")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no xml")]
    [InlineData("<system version=\"1\"><cpu numaid=\"0\"><pci busid=\"0000:01:00.0\"")]
    [InlineData("<!DOCTYPE a [<!ENTITY x \"y\">]><system>&x;</system>")]
    [InlineData("<other/>")]
    public void A_text_that_is_no_XML_of_NCCLs_gives_a_warning(string text) =>
        Assert.Equal("NCCL XML", Assert.Single(NcclTopologyXml.Read(text).Warnings, warning => warning.Kind == TopologyWarningKind.FileMalformed).Subject);

    [Fact]
    public void The_matrix_can_be_told_to_leave_NVLinks_out()
    {
        MachineTopology topology = Snapshots.Detect("v100-cube-mesh");

        Assert.Equal("NV2", new TopologyMatrix(topology).Rows[0][2]);
        Assert.Equal("NODE", new TopologyMatrix(topology, pcieOnly: true).Rows[0][2]);
        Assert.Equal("PIX", new TopologyMatrix(topology, pcieOnly: true).Rows[0][1]);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void In_a_drawing_no_box_cuts_another_and_none_leaves_the_picture(string name)
    {
        XElement svg = XDocument.Parse(TopologyDrawing.Write(Snapshots.Detect(name))).Root!;
        static int Number(XElement element, string attribute) => (int?)element.Attribute(attribute) ?? 0;
        (int Left, int Top, int Right, int Bottom)[] boxes = [.. svg.Elements().Where(element => element.Name.LocalName == "rect").Select(box => (Number(box, "x"), Number(box, "y"), Number(box, "x") + Number(box, "width"), Number(box, "y") + Number(box, "height")))];

        static bool Holds((int Left, int Top, int Right, int Bottom) outer, (int Left, int Top, int Right, int Bottom) inner) => outer.Left <= inner.Left && outer.Top <= inner.Top && outer.Right >= inner.Right && outer.Bottom >= inner.Bottom;
        Assert.Equal((0, 0, Number(svg, "width"), Number(svg, "height")), boxes[0]);
        for (int i = 0; i < boxes.Length; i++)
        {
            Assert.True(Holds(boxes[0], boxes[i]), $"{boxes[i]}");
            for (int j = 0; j < i; j++)
            {
                bool apart = boxes[i].Right <= boxes[j].Left || boxes[j].Right <= boxes[i].Left || boxes[i].Bottom <= boxes[j].Top || boxes[j].Bottom <= boxes[i].Top;
                Assert.True(apart || Holds(boxes[j], boxes[i]), $"{boxes[j]} {boxes[i]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void In_a_drawing_each_text_fits_its_box_no_two_overlap_and_no_line_of_a_switch_crosses_a_devices_name(string name)
    {
        XElement svg = XDocument.Parse(TopologyDrawing.Write(Snapshots.Detect(name))).Root!;
        static double Number(XElement element, string attribute) => (double?)element.Attribute(attribute) ?? 0;
        XElement[] texts = [.. svg.Elements().Where(element => element.Name.LocalName == "text" && !element.Value.StartsWith("NV", StringComparison.Ordinal))], boxes = [.. svg.Elements().Where(element => element.Name.LocalName == "rect")];
        // The letters of a sans-serif font are half as wide as they are high, on average; a little more to be safe.
        static double Right(XElement text) => Number(text, "x") + (text.Value.Length * Number(text, "font-size") * 0.56);
        foreach (XElement text in texts)
        {
            (double x, double y) = (Number(text, "x"), Number(text, "y"));
            XElement box = boxes.Last(box => Number(box, "x") <= x && Number(box, "y") <= y && x <= Number(box, "x") + Number(box, "width") && y <= Number(box, "y") + Number(box, "height"));
            Assert.True(Right(text) <= Number(box, "x") + Number(box, "width"), $"{text} {box}");
            Assert.DoesNotContain(texts, other => other != text && Math.Abs(Number(other, "y") - y) < 8 && Number(other, "x") <= Right(text) && Right(other) >= x);
            if (Number(text, "font-size") > 10 || text.Attribute("font-weight") is null)
                continue;
            Assert.DoesNotContain(svg.Elements().Where(element => element.Name.LocalName == "line"), line => Number(line, "x1") >= x && Number(line, "x1") <= Right(text) && Number(line, "y1") > y && Number(line, "y2") < y);
        }
    }

    [Fact]
    public void Nominal_bandwidth_is_the_NVLinks_or_the_narrowest_of_PCIe_and_rate()
    {
        MachineTopology topology = Snapshots.Detect("h100-infiniband-rails");
        ImmutableArray<ImmutableArray<double>> bandwidth = new TopologyMatrix(topology).Bandwidth();

        Assert.Equal(18 * 26.562, bandwidth[0][7], 3);
        Assert.Equal(25, bandwidth[0][8]);
        // A port that is down, and an adapter with an adapter.
        Assert.Equal((0, 0, 0), (bandwidth[0][9], bandwidth[8][9], bandwidth[0][0]));
        Assert.Equal(31.5, new TopologyMatrix(Snapshots.Detect("asus-rtx6000-two-sockets")).Bandwidth()[0][3], 1);
        Assert.Contains("GPU7\t478.1\t", new TopologyMatrix(topology).ToBandwidthText(), StringComparison.Ordinal);
    }
}
