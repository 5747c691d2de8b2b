using System.Globalization;
using System.Text;
using System.Xml;

namespace CollectivesSharp.Topology;

internal sealed class NcclXmlWriter(MachineTopology topology)
{
    // NCCL has no element for a GPU's switches as such: it joins all links whose target is of this class.
    private const string SwitchClass = "0x068000";
    private const string HiddenSwitch = "fffffff:ffff:ff";

    private XmlWriter _xml = null!;

    internal string Write()
    {
        StringBuilder text = new();
        using (_xml = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true, NewLineChars = "\n" }))
        {
            _xml.WriteStartElement("system");
            _xml.WriteAttributeString("version", "1");
            Dictionary<int, List<(PciDevice Pci, object Device)>> byNode = [];
            foreach ((PciDevice pci, object device) in topology.Gpus.Select(gpu => (gpu.Pci, (object)gpu)).Concat(topology.Adapters.Where(adapter => adapter is { IsRdma: true, Pci: not null } && adapter.Ports.Any(port => port.Active)).Select(adapter => (adapter.Pci!, (object)adapter))))
            {
                int node = pci.NumaNode ?? topology.NumaNodes.FirstOrDefault()?.Id ?? 0;
                if (!byNode.TryGetValue(node, out List<(PciDevice, object)>? list))
                    byNode[node] = list = [];
                list.Add((pci, device));
            }

            foreach ((int node, List<(PciDevice Pci, object Device)> devices) in byNode.OrderBy(item => item.Key))
                WriteCpu(node, devices);
            _xml.WriteEndElement();
        }

        return text.Append('\n').ToString();
    }

    private void WriteCpu(int node, List<(PciDevice Pci, object Device)> devices)
    {
        _xml.WriteStartElement("cpu");
        Attribute("numaid", node);
        string cpus = topology.NumaNodes.FirstOrDefault(item => item.Id == node)?.Cpus ?? devices[0].Pci.LocalCpus ?? "";
        if (cpus.Length > 0)
            _xml.WriteAttributeString("affinity", CpuList.Mask(cpus));
        Platform platform = topology.Platform;
        if (platform.CpuArchitecture.Length > 0)
            _xml.WriteAttributeString("arch", platform.CpuArchitecture);
        if (platform.CpuArchitecture == "x86_64")
        {
            _xml.WriteAttributeString("vendor", platform.CpuVendor);
            // /proc/cpuinfo adds the extended family, NCCL shifts it (23 of Zen 2 is 143).
            Attribute("familyid", platform.CpuFamily <= 15 ? platform.CpuFamily : 15 + ((platform.CpuFamily - 15) << 4));
            Attribute("modelid", platform.CpuModel);
        }

        WriteLevel(devices, 0);
        _xml.WriteEndElement();
    }

    /// <summary>
    /// Of each switch the upstream port, that is: from a device upwards every second bridge; the root port is none.
    /// </summary>
    private static PciAddress[] Switches(PciDevice device)
    {
        List<PciAddress> ports = [];
        for (int i = device.Bridges.Length - 2; i >= 1; i -= 2)
            ports.Insert(0, device.Bridges[i]);
        return [.. ports];
    }

    private void WriteLevel(List<(PciDevice Pci, object Device)> devices, int depth)
    {
        foreach (IGrouping<PciAddress?, (PciDevice Pci, object Device)> group in devices.GroupBy(item => Switches(item.Pci) is var ports && depth < ports.Length ? ports[depth] : (PciAddress?)null))
        {
            if (group.Key is { } port)
            {
                _xml.WriteStartElement("pci");
                _xml.WriteAttributeString("busid", port.ToString());
                _xml.WriteAttributeString("class", "0x060400");
                WriteLevel([.. group], depth + 1);
                _xml.WriteEndElement();
                continue;
            }

            // Functions of one card are one element, as NCCL merges them.
            foreach (IGrouping<string, (PciDevice Pci, object Device)> slot in group.GroupBy(item => item.Device is Gpu ? item.Pci.Address.ToString() : item.Pci.Address.Slot))
                WriteDevice(slot.First().Pci, [.. slot.Select(item => item.Device)]);
        }
    }

    private void WriteDevice(PciDevice pci, object[] devices)
    {
        _xml.WriteStartElement("pci");
        _xml.WriteAttributeString("busid", pci.Address.ToString());
        Hex("class", pci.Class, 6);
        Hex("vendor", pci.Vendor, 4);
        Hex("device", pci.Device, 4);
        Hex("subsystem_vendor", pci.SubsystemVendor, 4);
        Hex("subsystem_device", pci.SubsystemDevice, 4);
        if (pci.Link.MaxSpeed > 0)
            _xml.WriteAttributeString("link_speed", string.Create(CultureInfo.InvariantCulture, $"{pci.Link.MaxSpeed:0.0##} GT/s PCIe"));
        if (pci.Link.MaxWidth > 0)
            Attribute("link_width", pci.Link.MaxWidth);
        if (devices[0] is Gpu gpu)
        {
            WriteGpu(gpu);
        }
        else
        {
            _xml.WriteStartElement("nic");
            foreach (NetworkAdapter adapter in devices.Cast<NetworkAdapter>())
                WriteNet(adapter);
            _xml.WriteEndElement();
        }

        _xml.WriteEndElement();
    }

    private void WriteGpu(Gpu gpu)
    {
        _xml.WriteStartElement("gpu");
        Attribute("dev", gpu.Index);
        if (gpu.ComputeCapability is { } capability)
            Attribute("sm", (capability.Major * 10) + capability.Minor);
        Attribute("rank", gpu.Index);
        Attribute("gdr", topology.GpuDirect.Support == GpuDirectSupport.None ? 0 : 1);
        NvLinkConnection[] links = [.. topology.Links.Where(link => link.First == gpu.Index || link.Second == gpu.Index)];
        foreach (NvLinkConnection link in links.Where(link => link.Kind == NvLinkKind.Direct))
            WriteNvLink(topology.Gpus[link.First == gpu.Index ? link.Second : link.First].Pci.Address.ToString(), link.Count, "0x030200");
        if (links.Any(link => link.Kind != NvLinkKind.Direct))
            WriteNvLink(HiddenSwitch, gpu.SwitchNvLinks, SwitchClass);
        _xml.WriteEndElement();
    }

    private void WriteNvLink(string target, int count, string type)
    {
        _xml.WriteStartElement("nvlink");
        _xml.WriteAttributeString("target", target);
        Attribute("count", count);
        _xml.WriteAttributeString("tclass", type);
        _xml.WriteEndElement();
    }

    private void WriteNet(NetworkAdapter adapter)
    {
        foreach (AdapterPort port in adapter.Ports.Where(port => port.Active))
        {
            _xml.WriteStartElement("net");
            _xml.WriteAttributeString("name", adapter.Name);
            Attribute("dev", adapter.Index);
            Attribute("speed", (int)(port.GigabitsPerSecond * 1000));
            Attribute("port", port.Number);
            if (adapter.SystemImageGuid.Length > 0)
                _xml.WriteAttributeString("guid", "0x" + adapter.SystemImageGuid.Replace(":", "", StringComparison.Ordinal));
            Attribute("maxconn", 131072);
            Attribute("gdr", topology.GpuDirect.Support == GpuDirectSupport.None ? 0 : 1);
            _xml.WriteEndElement();
        }
    }

    private void Attribute(string name, int value) => _xml.WriteAttributeString(name, value.ToString(CultureInfo.InvariantCulture));

    private void Hex(string name, uint? value, int digits)
    {
        if (value is { } number)
            _xml.WriteAttributeString(name, "0x" + number.ToString("x" + digits, CultureInfo.InvariantCulture));
    }
}
