using System.Collections.Immutable;
using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>/sys/class/net: interfaces with hardware behind them, and bonds.</summary>
internal sealed class NetworkInterfaceReader
{
    private const string Folder = "/sys/class/net";

    private readonly FileReader _reader;
    private readonly ImmutableArray<NetworkBond> _bonds;

    internal NetworkInterfaceReader(FileReader reader)
    {
        _reader = reader;
        Names = [.. reader.Files.List(Folder).Where(name => reader.Files.Exists($"{Folder}/{name}/device"))];
        _bonds = [.. reader.Files.List(Folder).Where(name => reader.Files.Exists($"{Folder}/{name}/bonding")).Select(ReadBond)];
    }

    /// <summary>Interfaces with a device behind them.</summary>
    internal ImmutableArray<string> Names { get; }

    internal ImmutableArray<NetworkBond> ReadBonds() => _bonds;

    internal static string DeviceOf(string name) => $"{Folder}/{name}/device";

    /// <summary>The bond that an interface is or belongs to; empty if none.</summary>
    internal string BondOf(string name) => _bonds.FirstOrDefault(bond => bond.Name == name || bond.Members.Contains(name))?.Name ?? "";

    internal NetworkInterface Read(string name)
    {
        // The kernel answers EINVAL for the speed of an interface that is down, and -1 where it is not known: neither is worth a word.
        bool up = _reader.Line($"{Folder}/{name}/operstate") == "up";
        int speed = up ? _reader.Number($"{Folder}/{name}/speed", -1) ?? 0 : 0;
        return new NetworkInterface(name, up, Math.Max(speed, 0) / 1000.0, _reader.Number($"{Folder}/{name}/mtu") ?? 0, _reader.Files.LinkName($"{Folder}/{name}/master") ?? "");
    }

    private NetworkBond ReadBond(string name)
    {
        // "802.3ad 4"
        string mode = _reader.Line($"{Folder}/{name}/bonding/mode");
        string[] words = mode.Split(' ');
        if (words.Length > 1 && int.TryParse(words[^1], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            mode = string.Join(' ', words[..^1]);
        return new NetworkBond(name, mode, [.. _reader.Line($"{Folder}/{name}/bonding/slaves").Split(' ', StringSplitOptions.RemoveEmptyEntries)], _reader.Line($"{Folder}/{name}/operstate") == "up");
    }
}
