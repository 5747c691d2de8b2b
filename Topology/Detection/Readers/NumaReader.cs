using System.Collections.Immutable;
using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>/sys/devices/system/node.</summary>
internal sealed class NumaReader(FileReader reader)
{
    private const string Folder = "/sys/devices/system/node";

    internal ImmutableArray<NumaNode> Read()
    {
        ImmutableArray<NumaNode>.Builder nodes = ImmutableArray.CreateBuilder<NumaNode>();
        foreach (string name in reader.Files.List(Folder))
        {
            if (name.StartsWith("node", StringComparison.Ordinal) && int.TryParse(name.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                nodes.Add(new NumaNode(id, reader.Cpus($"{Folder}/{name}/cpulist"), Distances($"{Folder}/{name}/distance"), Memory($"{Folder}/{name}/meminfo")));
        }

        return nodes.ToImmutable();
    }

    private ImmutableArray<int> Distances(string path)
    {
        List<int> distances = [];
        foreach (string part in reader.Line(path).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int distance))
            {
                reader.Malformed(path, "distances");
                return [];
            }

            distances.Add(distance);
        }

        return [.. distances];
    }

    private ulong Memory(string path)
    {
        foreach (string line in (reader.Files.Read(path) ?? "").Split('\n'))
        {
            // Node 0 MemTotal:       2113662684 kB
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 4 && words[2] == "MemTotal:" && ulong.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out ulong kilobytes) && kilobytes < 1UL << 50)
                return kilobytes * 1024;
        }

        return 0;
    }
}
