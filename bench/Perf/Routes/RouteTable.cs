using System.Globalization;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.Routes;

/// <summary>A line a size, printed as soon as it is measured.</summary>
internal sealed class RouteTable(Setting setting, AllReduceTunerOptions options) : IProgress<AllReduceTiming>
{
    private readonly int _total = options.Types.Count * options.Sizes().Count() * ((options.Eager ? 1 : 0) + (options.Captured ? 1 : 0));
    private int _done;

    public void Report(AllReduceTiming value)
    {
        if (_done++ == 0)
            Print($"# {"size",10} {"type",9} {"mode",9} {string.Join(' ', value.Routes.Select(route => $"{route.Route,13}"))}  {"best",-13} {"router",-13} {"off",7} {"plain",-13} {"off",7} {"#wrong",7}  {"done",5}");
        string columns = string.Join(' ', value.Routes.Select(route => route.Microseconds is { } time ? $"{time.ToString(time >= 1000 ? "0" : "0.00", CultureInfo.InvariantCulture) + (route == value.Best ? "*" : " "),13}" : $"{"- ",13}"));
        Print($"{value.Bytes,12} {value.Type.NcclName(),9} {(value.IsCaptured ? "captured" : "eager"),9} {columns}  {value.Best?.Route.ToString() ?? "none",-13} {value.Choice,-13} {Percent(value.Distance),5:0.0} % {value.PlainChoice?.ToString() ?? "-",-13} {Percent(value.PlainDistance),5:0.0} % {(WrongOf(value) is { } wrong ? wrong : "N/A"),7}  {100.0 * _done / _total,3:0} %");
    }

    internal void PrintHeader()
    {
        Print($"# CollectivesSharp Perf {Machine.Version} on {Machine.Framework}, {setting.Library}");
        Print($"# all-reduces by every route in turn, sums, out of place; microseconds a call: the slowest rank, the median of {options.Rounds} rounds of up to {options.Calls} calls; checked calls: {setting.Options.Checks}");
        Print($"# router: what calls whose output is registered take, where there is such memory; plain: what all others take; off: by how much that is slower than the best of those it could take");
        Print($"# {Setting.NvlsText} CUDA driver: {Machine.CudaDriver} table: {setting.Group.AllReduceTuningNote}");
        foreach (GroupMember member in setting.Group.Members)
            Print($"#  Rank {member.Rank,2} Pid {member.ProcessId,6} on {member.Host,10} device {member.Device?.Ordinal,2} {member.Device?.Name}");
    }

    internal static void PrintBands(AllReduceTunerResult result)
    {
        foreach (AllReduceBands table in result.Tuning.Tables)
            Print($"# {table.Type.NcclName()}, {(table.IsCaptured ? "captured" : "eager")}{(table.IsSymmetric ? ", symmetric windows" : "")}{(table.IsRegistered ? ", into registered memory" : "")}: {string.Join(", ", table.Bands.Select(band => $"{band.Route} up to {band.UpTo}"))}");
        Print($"# Larger messages and other types: the built-in table. Kept: {result.Kept}");
    }

    internal static void PrintFooter(IReadOnlyList<AllReduceTiming> rows)
    {
        foreach (IGrouping<(AllReduceRoute, string), AllReduceTiming> group in rows.SelectMany(row => row.Routes.Where(route => route.Objection is not null).Select(route => (row, route))).GroupBy(item => (item.route.Route, item.route.Objection!), item => item.row))
            Print($"# - of {group.Key.Item1}, {group.Count()} sizes from {group.Min(row => row.Bytes)} bytes: {group.Key.Item2}");
        foreach ((AllReduceTiming row, RouteTiming route) in rows.SelectMany(row => row.Routes.Where(route => route.Wrong > 0).Select(route => (row, route))))
            Print($"# WRONG: {route.Wrong} elements by {route.Route}, {row.Bytes} bytes, {row.Type.NcclName()}, {(row.IsCaptured ? "captured" : "eager")}");
        PrintWorst("into registered memory, where there is any", rows, row => row.Distance, row => (row.Choice, row.Rival));
        PrintWorst("of plain buffers", rows, row => row.PlainDistance, row => (row.PlainChoice, row.PlainRival));
    }

    private static void PrintWorst(string calls, IReadOnlyList<AllReduceTiming> rows, Func<AllReduceTiming, double?> distance, Func<AllReduceTiming, (AllReduceRoute? Choice, RouteTiming? Rival)> routes)
    {
        if (rows.Where(row => distance(row) is not null).MaxBy(distance) is { } worst)
            Print($"# Calls {calls}: the router is off by at most {distance(worst) * 100:0.0} %, at {worst.Bytes} bytes, {worst.Type.NcclName()}, {(worst.IsCaptured ? "captured" : "eager")}: {routes(worst).Choice}, best of those it could take {routes(worst).Rival!.Route}");
    }

    private static double Percent(double? distance) => distance * 100 ?? double.NaN;

    /// <summary>Over all routes; null: nobody looked.</summary>
    private static long? WrongOf(AllReduceTiming row) => row.Routes.Any(route => route.Wrong is not null) ? row.Routes.Sum(route => route.Wrong ?? 0) : null;

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
