using CollectivesSharp.Cuda;

namespace CollectivesSharp.Perf.Routes;

/// <summary>perf all-reduce --compare, and perf tune: one rank's part. Rank 0 prints.</summary>
internal sealed class RouteRun(Setting setting)
{
    private readonly GroupCoordinator _group = setting.Group;

    /// <summary>0 if every route that was checked was right.</summary>
    internal async Task<int> ExecuteAsync(CancellationToken cancellationToken)
    {
        AllReduceTunerOptions options = RouteOptions.For(setting.Options);
        RouteTable? table = _group.Rank == 0 ? new RouteTable(setting, options) : null;
        table?.PrintHeader();
        DateTimeOffset started = DateTimeOffset.UtcNow;
        Func<CudaStream, IAllReduceCheck>? check = setting.Options.Checks > 0 ? stream => new RouteCheck(_group, stream, setting.Options.Checks) : null;
        IReadOnlyList<AllReduceTiming> rows;
        if (setting.Options.Routes!.Tunes)
        {
            AllReduceTunerResult result = await _group.TuneAllReduceAsync(options, table, check, cancellationToken);
            rows = result.Timings;
            if (table is not null)
                RouteTable.PrintBands(result);
        }
        else
            rows = _group.MeasureAllReduce(options, table, check, cancellationToken);
        int code = rows.Sum(row => row.Routes.Sum(route => route.Wrong ?? 0)) == 0 ? 0 : 1;
        if (table is null)
            return code;
        RouteTable.PrintFooter(rows);
        if (setting.Options.Json is { } json)
            await File.WriteAllTextAsync(json.FullName, RouteReport.Write(setting, rows, options, started), cancellationToken);
        if (setting.Options.Routes.Svg is { } svg)
            await File.WriteAllTextAsync(svg.FullName, RouteChart.Write(rows, RouteReport.MachineOf(_group.WorldSize, _group.Device?.Name)), cancellationToken);
        return code;
    }
}
