using System.Globalization;
using System.Text;
using System.Xml;

namespace CollectivesSharp.Topology;

/// <summary>Turns NCCL's XML into the files and answers that a machine would give, so that detection is the same for both.</summary>
internal sealed class NcclXmlReader
{
    private const int MaxDepth = 32;
    private const int MaxElements = 20_000;

    private static readonly string[] s_attributes = ["class", "vendor", "device", "subsystem_vendor", "subsystem_device"];

    private readonly StringBuilder _tree = new();
    private readonly HashSet<string> _written = [];
    private readonly List<(int Device, NvmlGpu Gpu)> _gpus = [];

    // NCCL looks for devices by itself, so files that are given to it may name no more than the place.
    private readonly List<(PciAddress Address, uint Class)> _bare = [];
    private readonly HashSet<PciAddress> _filled = [];
    private int _ports;

    /// <summary>Whether any GPU says if adapters reach its memory.</summary>
    internal bool TellsGpuDirect { get; private set; }

    internal string Tree => _tree.ToString();

    internal NvmlSnapshot Nvml => new() { Gpus = [.. _gpus.OrderBy(item => item.Device).Select(item => item.Gpu)] };

    /// <summary>What is wrong with the text; null if nothing.</summary>
    internal string? Read(string text)
    {
        Entry("/sys/bus/pci/devices", "/");
        Stack<Place> places = new();
        int elements = 0;
        try
        {
            using XmlReader xml = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreComments = true, IgnoreWhitespace = true });
            while (xml.Read())
            {
                if (xml.NodeType == XmlNodeType.EndElement && places.Count > 0)
                    places.Pop();
                if (xml.NodeType != XmlNodeType.Element)
                    continue;
                if (++elements > MaxElements || places.Count > MaxDepth)
                    return $"it has more than {MaxElements} elements, or they are nested deeper than {MaxDepth}; the rest is left out";
                bool empty = xml.IsEmptyElement;
                Place place = Open(xml, places.TryPeek(out Place? parent) ? parent : new Place("", null, null, []));
                if (!empty)
                    places.Push(place);
            }

            AddBare();
            return elements == 0 || !_written.Contains("system") ? "it has no element <system>" : null;
        }
        catch (XmlException e)
        {
            return e.Message;
        }
    }

    private Place Open(XmlReader xml, Place parent)
    {
        string name = xml.Name;
        switch (name)
        {
            case "system":
                _written.Add("system");
                break;
            case "cpu":
                return OpenCpu(xml, parent);
            case "pci" when PciAddress.TryParse(xml.GetAttribute("busid"), out PciAddress address):
                return OpenPci(xml, parent, address);
            case "gpu" when parent.Address is { } at:
                _filled.Add(at);
                _gpus.Add((Number(xml, "dev") ?? _gpus.Count, new NvmlGpu { BusId = at.ToString(), Major = Number(xml, "sm") / 10, Minor = Number(xml, "sm") % 10, Links = [] }));
                TellsGpuDirect |= xml.GetAttribute("gdr") is not null;
                if (Number(xml, "gdr") == 1)
                    Entry("/sys/module/nvidia_peermem", "/");
                break;
            case "nvlink" when parent.Element == "gpu" && _gpus.Count > 0:
                AddLinks(_gpus[^1].Gpu.Links!, xml.GetAttribute("target"), Number(xml, "count") ?? 1, xml.GetAttribute("tclass"));
                break;
            case "net" when parent.Address is { } at:
                AddNet(xml, at, parent);
                break;
        }

        return parent with { Element = name };
    }

    private Place OpenCpu(XmlReader xml, Place parent)
    {
        int node = Number(xml, "numaid") ?? 0;
        string cpus = CpuList.FromMask(xml.GetAttribute("affinity") ?? "");
        Entry($"/sys/devices/system/node/node{node}/cpulist", "= " + cpus);
        if (xml.GetAttribute("vendor") is { } vendor)
            Entry("/proc/cpuinfo", $"= vendor_id\\t: {Clean(vendor)}\\ncpu family\\t: {Family(Number(xml, "familyid") ?? 0)}\\nmodel\\t\\t: {Number(xml, "modelid") ?? 0}");
        return parent with { Element = "cpu", Node = new Cpu(node, cpus), Bridges = [] };
    }

    private Place OpenPci(XmlReader xml, Place parent, PciAddress address)
    {
        // The ports of a switch that NCCL leaves out: its own upstream port has the address, each child gets a downstream port; at the top that is a root port.
        string[] bridges = [.. parent.Bridges, NewPort()];
        int node = parent.Node?.Id ?? 0;
        string folder = $"/sys/devices/pci{node:x4}:00/{string.Join('/', bridges)}/{address}";
        Entry($"/sys/bus/pci/devices/{address}", "-> " + folder);
        if (!_written.Add(folder))
            return parent with { Element = "pci", Address = address, Bridges = [.. bridges, address.ToString()] };
        foreach (string attribute in s_attributes)
        {
            if (xml.GetAttribute(attribute) is { Length: > 0 } value)
                Entry($"{folder}/{attribute}", "= " + Clean(value));
        }

        Entry(folder + "/numa_node", "= " + node.ToString(CultureInfo.InvariantCulture));
        if (parent.Node is { Cpus.Length: > 0 } cpu)
            Entry(folder + "/local_cpulist", "= " + cpu.Cpus);
        if (xml.GetAttribute("link_speed") is { Length: > 0 } speed)
            Entry(folder + "/max_link_speed", "= " + Clean(speed));
        if (Number(xml, "link_width") is { } width)
            Entry(folder + "/max_link_width", "= " + width.ToString(CultureInfo.InvariantCulture));
        if (TypeOf(xml) is { } type)
            _bare.Add((address, type));
        return parent with { Element = "pci", Address = address, Class = xml.GetAttribute("class"), Vendor = xml.GetAttribute("vendor"), Bridges = [.. bridges, address.ToString()] };
    }

    private static void AddLinks(List<NvmlLink> links, string? target, int count, string? type)
    {
        int? kind = type switch { "0x068000" => 2, not null when type.StartsWith("0x03", StringComparison.Ordinal) => 0, "0x068001" => 1, _ => null };
        for (int i = 0; i < Math.Clamp(count, 0, 64) && links.Count < 256; i++)
            links.Add(new NvmlLink { Link = links.Count, Active = true, RemoteBusId = target, RemoteType = kind });
    }

    private void AddNet(XmlReader xml, PciAddress address, Place parent)
    {
        string name = Clean(xml.GetAttribute("name") ?? "");
        if (name.Length == 0 || name.Contains('/') || name is "." or "..")
            return;
        _filled.Add(address);
        int port = Math.Clamp(Number(xml, "port") ?? 1, 1, 16);
        string folder = $"/sys/class/infiniband/{name}";
        Entry(folder + "/device", $"-> /sys/bus/pci/devices/{address}");
        Entry($"{folder}/ports/{port}/state", "= 4: ACTIVE");
        Entry($"{folder}/ports/{port}/link_layer", parent.Class?.StartsWith("0x0207", StringComparison.Ordinal) == true ? "= InfiniBand" : "= Ethernet");
        if (Number(xml, "speed") is { } speed)
            Entry($"{folder}/ports/{port}/rate", string.Create(CultureInfo.InvariantCulture, $"= {speed / 1000.0} Gb/sec"));
        if (xml.GetAttribute("guid") is { Length: > 2 } guid)
            Entry(folder + "/sys_image_guid", "= " + Clean(guid));
        // Amazon's adapters: EFA.
        if (parent.Vendor == "0x1d0f")
            Entry(folder + "/node_type", "= 7: unspecified");
    }

    private void AddBare()
    {
        foreach ((PciAddress address, uint type) in _bare.Where(item => !_filled.Contains(item.Address)))
        {
            if (type >> 8 == 0x0302)
            {
                _gpus.Add((_gpus.Count, new NvmlGpu { BusId = address.ToString() }));
            }
            else if (type >> 16 == 0x02)
            {
                // Nothing tells its name or state.
                string folder = $"/sys/class/infiniband/nic-{address.ToString().Replace(':', '-')}";
                Entry(folder + "/device", $"-> /sys/bus/pci/devices/{address}");
                Entry(folder + "/ports/1/link_layer", type >> 8 == 0x0207 ? "= InfiniBand" : "= Ethernet");
            }
        }
    }

    private static uint? TypeOf(XmlReader xml) =>
        xml.GetAttribute("class") is { Length: 8 } text && text.StartsWith("0x", StringComparison.Ordinal) && uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint type) ? type : null;

    private string NewPort() => new PciAddress(0xfffe, (byte)(_ports >> 8), (byte)((_ports >> 3) & 0x1f), (byte)(_ports++ & 7)).ToString();

    /// <summary>NCCL's family back to the kernel's.</summary>
    private static int Family(int family) => family <= 15 ? family : 15 + ((family - 15) >> 4);

    private void Entry(string path, string entry)
    {
        if (_written.Add(path))
            _tree.Append(path).Append('\t').Append(entry).Append('\n');
    }

    private static int? Number(XmlReader xml, string attribute) =>
        int.TryParse(xml.GetAttribute(attribute), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) ? value : null;

    private static string Clean(string text) => string.Concat(text.Take(128).Where(c => !char.IsControl(c) && c != '\\')).Trim();

    private sealed record Cpu(int Id, string Cpus);

    private sealed record Place(string Element, Cpu? Node, PciAddress? Address, string[] Bridges)
    {
        public string? Class { get; init; }

        public string? Vendor { get; init; }
    }
}
