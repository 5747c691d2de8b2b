using System.Collections.Immutable;
using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>PCIe devices and the bridges above them, from /sys/bus/pci/devices and what its links lead to.</summary>
internal sealed class PciReader(FileReader reader)
{
    // By text, as lists here are: collections of structs of ours are compiled anew in each process, which is most of what the first detection takes.
    private readonly Dictionary<string, PciDevice> _known = new(StringComparer.Ordinal);

    /// <summary>Every device's address as sysfs writes it, ordered as addresses are.</summary>
    internal string[] List()
    {
        string[] addresses = [.. reader.Files.List("/sys/bus/pci/devices").Select(name => PciAddress.TryParse(name, out PciAddress address) ? address.ToString() : null).OfType<string>()];
        Array.Sort(addresses, static (left, right) => left.Length != right.Length ? left.Length - right.Length : string.CompareOrdinal(left, right));
        return addresses;
    }

    internal int? Class(string address) => reader.Hex($"/sys/bus/pci/devices/{address}/class", 0xffffff);

    internal int? Vendor(string address) => reader.Hex($"/sys/bus/pci/devices/{address}/vendor", 0xffff);

    /// <summary>One of <see cref="List"/>.</summary>
    internal PciDevice Read(string address) => Read(PciAddress.TryParse(address, out PciAddress parsed) ? parsed : default);

    internal PciDevice Read(PciAddress address)
    {
        string text = address.ToString();
        if (!_known.TryGetValue(text, out PciDevice? device))
            _known[text] = device = ReadNew(address);
        return device;
    }

    /// <summary>The nearest PCIe device at or above a folder of /sys/devices: what a class's "device" link leads to; null if there is none.</summary>
    internal PciDevice? ReadAbove(string path)
    {
        for (string? folder = reader.Files.Resolve(path); folder is { Length: > 1 }; folder = folder[..Math.Max(folder.LastIndexOf('/'), 1)])
        {
            if (PciAddress.TryParse(folder[(folder.LastIndexOf('/') + 1)..], out PciAddress address))
                return Read(address);
        }

        return null;
    }

    private PciDevice ReadNew(PciAddress address)
    {
        string folder = $"/sys/bus/pci/devices/{address}";
        if (reader.Files.Resolve(folder) is not { } real)
            return new PciDevice { Address = address };
        string? root = null;
        List<PciAddress> bridges = [];
        foreach (string name in real.Split('/'))
        {
            if (root is null)
                root = name.StartsWith("pci", StringComparison.Ordinal) && name.Contains(':') ? name : null;
            else if (PciAddress.TryParse(name, out PciAddress bridge) && bridge != address)
                bridges.Add(bridge);
        }

        int? node = reader.Number(folder + "/numa_node", -1, 4095);
        return new PciDevice
        {
            Address = address,
            Root = root,
            Bridges = [.. bridges],
            Class = (uint?)reader.Hex(folder + "/class", 0xffffff),
            Vendor = (ushort?)reader.Hex(folder + "/vendor", 0xffff),
            Device = (ushort?)reader.Hex(folder + "/device", 0xffff),
            SubsystemVendor = (ushort?)reader.Hex(folder + "/subsystem_vendor", 0xffff),
            SubsystemDevice = (ushort?)reader.Hex(folder + "/subsystem_device", 0xffff),
            NumaNode = node is >= 0 ? node : null,
            LocalCpus = reader.Cpus(folder + "/local_cpulist") is { Length: > 0 } cpus ? cpus : null,
            Link = new PcieLink(Speed(folder + "/current_link_speed"), Width(folder + "/current_link_width"), Speed(folder + "/max_link_speed"), Width(folder + "/max_link_width")),
            Driver = reader.Files.LinkName(folder + "/driver"),
            PhysicalFunction = PciAddress.TryParse(reader.Files.LinkName(folder + "/physfn"), out PciAddress function) ? function : null,
            VirtualFunctions = reader.Number(folder + "/sriov_numvfs", 0, 65535) ?? 0,
        };
    }

    /// <summary>"16.0 GT/s PCIe"; virtual devices say Unknown.</summary>
    private double Speed(string path)
    {
        string text = reader.Line(path);
        int end = text.IndexOf(' ');
        if (text.Length == 0 || text.StartsWith("Unknown", StringComparison.OrdinalIgnoreCase))
            return 0;
        if (end > 0 && double.TryParse(text.AsSpan(0, end), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double speed) && speed is > 0 and < 10000)
            return speed;
        reader.Malformed(path, "a speed such as 16.0 GT/s PCIe");
        return 0;
    }

    /// <summary>255 means that the device does not tell.</summary>
    private int Width(string path) => reader.Number(path, 0, 255) is { } width and < 255 ? width : 0;
}
