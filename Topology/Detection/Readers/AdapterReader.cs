using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>RDMA devices of /sys/class/infiniband, then the network interfaces that belong to none.</summary>
internal sealed class AdapterReader(FileReader reader, PciReader pci, NetworkInterfaceReader interfaces)
{
    private const string Folder = "/sys/class/infiniband";
    private const int MaxAdapters = 512;
    private const int MaxPorts = 16;
    private const int MaxGids = 64;
    private const string EmptyGid = "0000:0000:0000:0000:0000:0000:0000:0000";

    private static readonly SearchValues<char> s_gidCharacters = SearchValues.Create("0123456789abcdefABCDEF:");

    private readonly List<NetworkAdapter> _adapters = [];

    internal ImmutableArray<NetworkAdapter> Read()
    {
        Dictionary<string, string> devices = interfaces.Names.ToDictionary(name => name, name => reader.Files.Resolve(NetworkInterfaceReader.DeviceOf(name)) ?? "");
        HashSet<string> taken = [];
        foreach (string name in reader.Files.List(Folder).Take(MaxAdapters))
            AddRdma(name, devices, taken);
        foreach (string name in interfaces.Names.Where(name => !taken.Contains(name)).Take(MaxAdapters))
            AddEthernet(name);
        return WithCards();
    }

    private void AddRdma(string name, Dictionary<string, string> devices, HashSet<string> taken)
    {
        string folder = $"{Folder}/{name}";
        if (!reader.Files.Exists(folder))
            return;
        ImmutableArray<AdapterPort> ports =
        [
            .. reader.Files.List(folder + "/ports").Take(MaxPorts)
                .Select(port => int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? ReadPort($"{folder}/ports/{port}", number) : null).OfType<AdapterPort>(),
        ];
        string device = reader.Files.Resolve(folder + "/device") ?? "";
        string[] own = [.. devices.Where(item => device.Length > 0 && item.Value == device).Select(item => item.Key)];
        taken.UnionWith(own);
        // A bond's RDMA device stands on one of the cards; its members' interfaces are its own.
        string bond = ports.SelectMany(port => port.Gids).Select(gid => gid.Interface).Concat(own).Select(interfaces.BondOf).FirstOrDefault(found => found.Length > 0) ?? "";
        string driver = reader.Files.LinkName(folder + "/device/driver") ?? "";
        _adapters.Add(new NetworkAdapter
        {
            Index = _adapters.Count,
            Name = name,
            IsRdma = true,
            Kind = KindOf(reader.Line(folder + "/node_type"), driver, ports),
            Pci = pci.ReadAbove(folder + "/device"),
            Ports = ports,
            Interfaces = [.. own.Select(interfaces.Read)],
            NodeGuid = reader.Line(folder + "/node_guid"),
            SystemImageGuid = reader.Line(folder + "/sys_image_guid"),
            Firmware = reader.Line(folder + "/fw_ver"),
            Board = reader.Line(folder + "/board_id"),
            Bond = bond,
        });
    }

    private void AddEthernet(string name) => _adapters.Add(new NetworkAdapter
    {
        Index = _adapters.Count,
        Name = name,
        // ARPHRD_INFINIBAND is 32: an IPoIB interface whose RDMA device is hidden.
        Kind = reader.Number($"/sys/class/net/{name}/type") is 1 or null ? AdapterKind.Ethernet : AdapterKind.Other,
        Pci = pci.ReadAbove(NetworkInterfaceReader.DeviceOf(name)),
        Interfaces = [interfaces.Read(name)],
        Bond = interfaces.BondOf(name),
    });

    private static AdapterKind KindOf(string nodeType, string driver, ImmutableArray<AdapterPort> ports)
    {
        // node_type is "1: CA", "4: RNIC", "7: unspecified".
        if (driver is "efa" or "hfi1" or "erdma" or "usnic_verbs" or "mana" || nodeType.StartsWith('7'))
            return AdapterKind.Other;
        if (nodeType.StartsWith('4') && !ports.Any(port => port.Gids.Any(gid => gid.Type.Contains("RoCE", StringComparison.Ordinal))))
            return AdapterKind.Iwarp;
        if (ports.Any(port => port.LinkLayer == "InfiniBand"))
            return AdapterKind.InfiniBand;
        if (!ports.Any(port => port.LinkLayer == "Ethernet"))
            return AdapterKind.Other;
        // Without any address (a port that is down) the older kind is not assumed: all that is sold speaks v2.
        return ports.SelectMany(port => port.Gids).Select(gid => gid.Type).Where(type => type.Length > 0).ToHashSet() is { Count: > 0 } types && !types.Contains("RoCE v2") ? AdapterKind.RoceV1 : AdapterKind.RoceV2;
    }

    private AdapterPort ReadPort(string folder, int number) => new()
    {
        Number = number,
        LinkLayer = reader.Line(folder + "/link_layer"),
        State = AfterColon(reader.Line(folder + "/state")),
        PhysicalState = AfterColon(reader.Line(folder + "/phys_state")),
        GigabitsPerSecond = Rate(folder + "/rate"),
        Lid = reader.Hex(folder + "/lid", 0xffffff) ?? 0,
        Gids = ReadGids(folder),
    };

    private ImmutableArray<AdapterGid> ReadGids(string folder)
    {
        ImmutableArray<AdapterGid>.Builder gids = ImmutableArray.CreateBuilder<AdapterGid>();
        foreach (string name in reader.Files.List(folder + "/gids"))
        {
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || reader.Line($"{folder}/gids/{name}") is not { Length: > 0 } value || value == EmptyGid)
                continue;
            if (value.Length != EmptyGid.Length || value.AsSpan().ContainsAnyExcept(s_gidCharacters))
            {
                reader.Malformed($"{folder}/gids/{name}", "eight groups of four hex digits");
                continue;
            }

            // EINVAL is the kernel's word for an InfiniBand address, which has no interface, and for one that is just going away.
            gids.Add(new AdapterGid(index, value, reader.Line($"{folder}/gid_attrs/types/{name}", quiet: true), reader.Line($"{folder}/gid_attrs/ndevs/{name}", quiet: true)));
            if (gids.Count == MaxGids)
                break;
        }

        return gids.ToImmutable();
    }

    /// <summary>"400 Gb/sec (4X NDR)"; "2.5 Gb/sec (1X SDR)" is also what a port without a link says.</summary>
    private double Rate(string path)
    {
        string text = reader.Line(path);
        if (text.Length == 0)
            return 0;
        int end = text.IndexOf(' ');
        if (end > 0 && double.TryParse(text.AsSpan(0, end), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double rate) && rate is >= 0 and < 1e5 && text.AsSpan(end + 1).StartsWith("Gb/sec"))
            return rate;
        reader.Malformed(path, "a rate such as 400 Gb/sec (4X NDR)");
        return 0;
    }

    /// <summary>"4: ACTIVE".</summary>
    private static string AfterColon(string text) => text[(text.IndexOf(':') + 1)..].Trim();

    /// <summary>Functions of one card share the system image GUID; without one, the slot.</summary>
    private ImmutableArray<NetworkAdapter> WithCards()
    {
        Dictionary<string, int> cards = [];
        return
        [
            .. _adapters.Select(adapter =>
            {
                string key = adapter.SystemImageGuid.AsSpan().ContainsAnyExcept("0:") ? adapter.SystemImageGuid : adapter.Pci?.Address.Slot ?? adapter.Name;
                if (!cards.TryGetValue(key, out int card))
                    cards[key] = card = cards.Count;
                return adapter with { Card = card };
            }),
        ];
    }
}
