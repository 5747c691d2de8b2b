using System.Globalization;

namespace CollectivesSharp;

/// <summary>SLURM's two run-length notations: "node[01-04,07],x3" for hosts, "4(x2),3" for tasks on each node.</summary>
internal static class SlurmLists
{
    /// <summary>Hosts in SLURM's order, the last bracket running fastest. A malformed list throws here, not while enumerating.</summary>
    /// <exception cref="FormatException" />
    public static IEnumerable<string> ExpandHosts(string list)
    {
        List<List<HostPart>> hosts = [.. SplitOutsideBrackets(list).Select(ParseHost)];
        return hosts.SelectMany(parts => Expand(parts, 0));
    }

    /// <summary>How many tasks the node with this index has; null if the list ends before it.</summary>
    /// <exception cref="FormatException" />
    public static int? TasksOnNode(string list, int node)
    {
        int? found = null;
        long firstNode = 0;
        foreach (string item in list.Split(','))
        {
            (int tasks, int nodes) = ParseTasks(item);
            if (node >= firstNode && node < firstNode + nodes)
                found = tasks;
            firstNode += nodes;
        }

        return found;
    }

    private static (int Tasks, int Nodes) ParseTasks(string item)
    {
        int open = item.IndexOf("(x", StringComparison.Ordinal);
        bool repeats = open >= 0 && item.EndsWith(')');
        string tasks = repeats ? item[..open] : item;
        int nodes = 1;
        if (!TryParse(tasks, out int count) || (repeats && (!TryParse(item[(open + 2)..^1], out nodes) || nodes == 0)))
            throw new FormatException($"\"{item}\" is neither a count nor a count(xnodes).");
        return (count, nodes);
    }

    private static IEnumerable<string> SplitOutsideBrackets(string list)
    {
        int start = 0;
        bool inBrackets = false;
        for (int i = 0; i < list.Length; i++)
        {
            switch (list[i])
            {
                case '[' when inBrackets:
                    throw new FormatException("a bracket opens inside another.");
                case ']' when !inBrackets:
                    throw new FormatException("a bracket closes that never opened.");
                case '[' or ']':
                    inBrackets = !inBrackets;
                    break;
                case ',' when !inBrackets:
                    yield return list[start..i];
                    start = i + 1;
                    break;
            }
        }

        if (inBrackets)
            throw new FormatException("a bracket never closes.");
        yield return list[start..];
    }

    private static List<HostPart> ParseHost(string host)
    {
        if (host.Length == 0)
            throw new FormatException("a host name is empty.");

        var parts = new List<HostPart>();
        int position = 0;
        while (position < host.Length)
        {
            int open = host.IndexOf('[', position);
            if (open < 0)
            {
                parts.Add(new(host[position..], null));
                break;
            }

            int close = host.IndexOf(']', open);
            parts.Add(new(host[position..open], Array.ConvertAll(host[(open + 1)..close].Split(','), ParseRange)));
            position = close + 1;
        }

        return parts;
    }

    private static NumberRange ParseRange(string range)
    {
        string[] ends = range.Split('-');
        if (ends.Length > 2 || !TryParse(ends[0], out int first) || !TryParse(ends[^1], out int last) || last < first)
            throw new FormatException($"\"{range}\" is no number or ascending range.");
        return new(first, last, ends[0].Length);
    }

    private static IEnumerable<string> Expand(List<HostPart> parts, int index)
    {
        if (index == parts.Count)
            return [""];

        HostPart part = parts[index];
        return part.Numbers.SelectMany(number => Expand(parts, index + 1).Select(rest => part.Text + number + rest));
    }

    private static bool TryParse(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    /// <summary>Text, then one number out of a bracket's ranges (null: no bracket follows).</summary>
    private readonly record struct HostPart(string Text, NumberRange[]? Ranges)
    {
        public IEnumerable<string> Numbers => Ranges?.SelectMany(range => range.Numbers) ?? [""];
    }

    /// <summary>The lower end is written with the zeros that all its numbers carry.</summary>
    private readonly record struct NumberRange(int First, int Last, int Width)
    {
        public IEnumerable<string> Numbers
        {
            get
            {
                for (long number = First; number <= Last; number++)
                    yield return number.ToString(CultureInfo.InvariantCulture).PadLeft(Width, '0');
            }
        }
    }
}
