namespace CollectivesSharp.Topology.Tests;

/// <summary>A table that nvidia-smi printed: columns by tabs or spaces, adapters as NIC# or by their names, and whatever columns that version had.</summary>
internal sealed class ExpectedMatrix
{
    private ExpectedMatrix()
    {
    }

    internal required string[] Columns { get; init; }

    /// <summary>By row label: a cell for each column, then what followed (processors, NUMA node).</summary>
    internal required Dictionary<string, string[]> Rows { get; init; }

    internal bool PcieOnly { get; init; }

    internal static ExpectedMatrix Parse(string text)
    {
        string[] lines = [.. text.Split('\n').Where(line => line.Trim().Length > 0)];
        bool pcieOnly = lines[0].StartsWith('#') && lines[0].Contains("-mp", StringComparison.Ordinal);
        lines = [.. lines.Where(line => !line.StartsWith('#'))];
        string[] columns = [.. Words(lines[0]).TakeWhile(word => word is not "CPU")];
        return new ExpectedMatrix { Columns = columns, PcieOnly = pcieOnly, Rows = lines.Skip(1).Select(Words).ToDictionary(words => words[0], words => words[1..]) };
    }

    /// <summary>Every cell that differs, as "row column: expected x, is y".</summary>
    internal List<string> Differences(TopologyMatrix matrix, MachineTopology topology)
    {
        List<string> differences = [];
        string Label(string name) => matrix.AdapterNames.IndexOf(name) is >= 0 and var index ? $"NIC{index}" : name;
        if (!Columns.Select(Label).SequenceEqual(matrix.Labels))
            differences.Add($"columns: expected {string.Join(' ', Columns)}, are {string.Join(' ', matrix.Labels)}");
        foreach ((string name, string[] cells) in Rows)
        {
            int row = matrix.Labels.IndexOf(Label(name));
            for (int column = 0; column < Columns.Length && row >= 0; column++)
            {
                string actual = column < matrix.Rows[row].Length ? matrix.Rows[row][column] : "nothing";
                if (cells[column] != actual)
                    differences.Add($"{name} {Columns[column]}: expected {cells[column]}, is {actual}");
            }

            if (row < 0)
                differences.Add($"{name}: there is no such row");
            else if (cells.Length > Columns.Length)
                CompareAffinity(topology.Gpus[row], cells[Columns.Length..], matrix, row, differences);
        }

        return differences;
    }

    private static void CompareAffinity(Gpu gpu, string[] rest, TopologyMatrix matrix, int row, List<string> differences)
    {
        string[] line = Words(matrix.ToString().Split('\n')[row + 1]);
        string cpus = line[^3], node = line[^2];
        if (rest[0] != cpus || rest[0] != gpu.Pci.LocalCpus)
            differences.Add($"{gpu.Label} CPU affinity: expected {rest[0]}, is {cpus}");
        if (rest.Length > 1 && rest[1] != node)
            differences.Add($"{gpu.Label} NUMA affinity: expected {rest[1]}, is {node}");
        if (rest.Length > 2 && rest[2] != line[^1])
            differences.Add($"{gpu.Label} NUMA id: expected {rest[2]}, is {line[^1]}");
    }

    private static string[] Words(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
