using System.Globalization;
using System.Text;

namespace CollectivesSharp;

/// <summary>What every ordered pair of a group really moves; equal on all members. Its text is two tables: GB/s, nominal ones in brackets, and microseconds.</summary>
public sealed class PairMeasurements
{
    private readonly IReadOnlyList<GroupMember> _members;

    internal PairMeasurements(IReadOnlyList<GroupMember> members, GroupTopology topology, long bytes, IReadOnlyList<PairMeasurement> pairs, string? peerObjection)
    {
        _members = members;
        Topology = topology;
        Bytes = bytes;
        Pairs = pairs;
        PeerObjection = peerObjection;
        Warnings = [.. pairs.Select(pair => PairWarnings.Of(pair, members)).Append(PairWarnings.OfAll(pairs, members, peerObjection)).OfType<GroupTopologyWarning>()];
    }

    public GroupTopology Topology { get; }

    /// <summary>Of one copy.</summary>
    public long Bytes { get; }

    /// <summary>By source, then target; none in a group of one.</summary>
    public IReadOnlyList<PairMeasurement> Pairs { get; }

    /// <summary>Why GPUs of a node have no peer memory and were measured in another way; null if all have, or there are no pairs of GPUs on a node.</summary>
    public string? PeerObjection { get; }

    /// <summary>Copies that arrived wrong, peer access that the driver reports and that failed in use, paths that carry less than half of what they promise.</summary>
    public IReadOnlyList<GroupTopologyWarning> Warnings { get; }

    /// <summary>Of two different ranks in the group.</summary>
    public PairMeasurement this[int from, int to] => Pairs.FirstOrDefault(pair => pair.From == from && pair.To == to)
        ?? throw new ArgumentOutOfRangeException(nameof(to), $"From {from} to {to}: two different ranks, 0 to {_members.Count - 1}.");

    public override string ToString()
    {
        if (Pairs.Count == 0)
            return "One rank: there is no pair to measure.\n";
        StringBuilder text = new();
        string ways = string.Join(", ", Pairs.Select(pair => pair.Transport).Distinct().Order().Select(Name));
        text.Append(CultureInfo.InvariantCulture, $"GB/s from the row's rank to the column's, copies of {Bytes} bytes by {ways}");
        text.Append(Pairs.Any(pair => pair.NominalGigabytesPerSecond > 0) ? "; nominal in brackets\n" : "\n");
        Table(text, pair => pair.GigabytesPerSecond is { } measured ? Number(measured) + (pair.NominalGigabytesPerSecond > 0 ? $" ({Number(pair.NominalGigabytesPerSecond)})" : "") : "-");
        text.Append("\nMicroseconds, half the round trip of a flag\n");
        Table(text, pair => pair.LatencyMicroseconds is { } latency ? latency.ToString("0.00", CultureInfo.InvariantCulture) : "-");
        foreach (IGrouping<string, PairMeasurement> objection in Pairs.Where(pair => pair.Objection is not null).GroupBy(pair => pair.Objection!, StringComparer.Ordinal))
            text.Append(CultureInfo.InvariantCulture, $"\n{string.Join(", ", objection.Select(pair => $"{pair.From} to {pair.To}"))}: {objection.Key}\n");
        if (PeerObjection is not null)
            text.Append(CultureInfo.InvariantCulture, $"\nNot over peer access: {PeerObjection}\n");
        return text.ToString();
    }

    private void Table(StringBuilder text, Func<PairMeasurement, string> cell)
    {
        string[][] cells = [.. Enumerable.Range(0, _members.Count).Select(row => Enumerable.Range(0, _members.Count).Select(column => row == column ? "X" : cell(this[row, column])).ToArray())];
        string[] labels = [.. Enumerable.Range(0, _members.Count).Select(rank => string.Create(CultureInfo.InvariantCulture, $"rank {rank}"))];
        int[] widths = [.. labels.Select((label, column) => cells.Max(row => Math.Max(row[column].Length, label.Length)))];
        int first = labels.Max(label => label.Length);
        Line("", labels);
        for (int row = 0; row < cells.Length; row++)
            Line(labels[row], cells[row]);

        void Line(string label, string[] line) => text.Append(label.PadRight(first)).AppendJoin("", line.Select((item, column) => "  " + item.PadLeft(widths[column]))).Append('\n');
    }

    private static string Number(double value) => value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    private static string Name(PairTransport transport) => transport switch { PairTransport.PeerMemory => "peer access", PairTransport.Nccl => "NCCL", _ => "host messages" };
}
