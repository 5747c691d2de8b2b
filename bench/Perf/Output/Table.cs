using System.Globalization;

namespace CollectivesSharp.Perf;

/// <summary>The table and the footer, laid out as nccl-tests lays out its own, so that eyes and scripts that know one read the other.</summary>
internal sealed class Table(Setting setting)
{
    private readonly PerfOptions _options = setting.Options;

    internal void PrintHeader()
    {
        string name = CommandLine.NameOf(_options.Collective);
        string step = _options.StepFactor > 1 ? $"{_options.StepFactor}(factor)" : $"{_options.StepBytes}(bytes)";
        string path = setting.LibraryPath is { } file ? $" ({file})" : "";
        Print($"# CollectivesSharp Perf {Machine.Version} on {Machine.Framework}, {setting.Library ?? "one rank"}{path}");
        Print($"# Collective test starting: {name}");
        Print($"# nThread 1 nGpus 1 minBytes {_options.MinBytes} maxBytes {_options.MaxBytes} step: {step} warmup iters: {_options.WarmupIterations} iters: {_options.Iterations} agg iters: 1 validation: {_options.Checks} graph: {_options.Replays}");
        if (setting.OnDevice)
            Print($"# route: {setting.Route} registration: {setting.Registration} {Setting.NvlsText} CUDA driver: {Machine.CudaDriver}");
        if (_options.GroupMemory)
            Print("# buffers: of the group, which its ranks read from each other");
        if (_options.Fresh)
            Print("# inputs: written just before each call, which is timed by itself");
        Print("#");
        Print("# Using devices");
        foreach (GroupMember member in setting.Group.Members)
            Print($"#  Rank {member.Rank,2} Group {0,2} Pid {member.ProcessId,6} on {member.Host,10} {(setting.OnDevice ? Describe(member.Device!) : $"host memory, {Machine.Processor}")}");
        Print("#");
        Print($"# {"",10}  {"",12}  {"",8}  {"",6}  {"",6}           out-of-place                       in-place          ");
        Print($"# {"size",10}  {"count",12}  {"type",8}  {"redop",6}  {"root",6}  {"time",7}  {"algbw",6}  {"busbw",6} {"#wrong",6}  {"time",7}  {"algbw",6}  {"busbw",6} {"#wrong",6}");
        Print($"# {"(B)",10}  {"(elements)",12}  {"",8}  {"",6}  {"",6}  {"(us)",7}  {"(GB/s)",6}  {"(GB/s)",6}  {"",5}  {"(us)",7}  {"(GB/s)",6}  {"(GB/s)",6}  {"",5}");
    }

    internal static void PrintRow(Row row) =>
        Print($"{row.Bytes,12}  {row.Count,12}  {row.Type,8}  {row.Operation,6}  {row.Root,6}{Columns(row.OutOfPlace)}{Columns(row.InPlace)}");

    internal void PrintFooter(IReadOnlyList<Row> rows, long wrong)
    {
        Print($"# Out of bounds values : {wrong} {(wrong == 0 ? "OK" : "FAILED")}");
        Print($"# Avg bus bandwidth    : {AverageBusBandwidth(rows).ToString("0.######", CultureInfo.InvariantCulture)} ");
        Print("#");
        Print($"# Collective test concluded: {CommandLine.NameOf(_options.Collective)}");
    }

    /// <summary>The plain mean over all rows, out of place and in place together.</summary>
    internal static double AverageBusBandwidth(IReadOnlyList<Row> rows) =>
        rows.SelectMany(row => new[] { row.OutOfPlace, row.InPlace }).OfType<Measurement>().Select(measurement => measurement.BusBandwidth).DefaultIfEmpty().Average();

    /// <summary>The bus address without the function, which a GPU has only one of.</summary>
    private static string Describe(MemberDevice device) => string.Create(CultureInfo.InvariantCulture, $"device {device.Ordinal,2} [{device.PciBusId.Split('.')[0]}] {device.Name}");

    private static string Columns(Measurement? measurement)
    {
        if (measurement is null)
            return $"  {"N/A",7}  {"N/A",6}  {"N/A",6}  {"N/A",5}";
        string time = measurement.Time.ToString(measurement.Time >= 10_000 ? "0" : measurement.Time >= 100 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
        string wrong = measurement.Wrong?.ToString(CultureInfo.InvariantCulture) ?? "N/A";
        return string.Create(CultureInfo.InvariantCulture, $"  {time,7}  {measurement.AlgorithmBandwidth,6:0.00}  {measurement.BusBandwidth,6:0.00}  {wrong,5}");
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private static void Print(string line) => Console.WriteLine(line);
}
