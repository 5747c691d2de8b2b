using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using CollectivesSharp.Perf;

namespace CollectivesSharp.Benchmarks;

/// <summary>nccl-tests' algbw and busbw, in GB/s (10^9 bytes), from the mean time and the case's parameters.</summary>
internal sealed class BandwidthColumn : IColumn
{
    private readonly bool _bus;

    private BandwidthColumn(bool bus) => _bus = bus;

    internal static BandwidthColumn Algorithm { get; } = new(bus: false);

    internal static BandwidthColumn Bus { get; } = new(bus: true);

    public string Id => ColumnName;

    public string ColumnName => _bus ? "busbw" : "algbw";

    public string Legend => _bus ? "algbw times nccl-tests' factor for the collective [GB/s]" : "size / mean time [GB/s]";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => _bus ? 1 : 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } statistics || benchmarkCase.Parameters[nameof(HostCollectives.Bytes)] is not int bytes)
            return "NA";
        double bandwidth = bytes / statistics.Mean;
        if (_bus)
        {
            Convention convention = new((CollectiveKind)benchmarkCase.Parameters[nameof(HostCollectives.Collective)]);
            bandwidth *= convention.BusFactor((int)benchmarkCase.Parameters[nameof(HostCollectives.Ranks)]);
        }

        return bandwidth.ToString("0.000", CultureInfo.InvariantCulture);
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) => summary.BenchmarksCases.Any(benchmark => benchmark.Parameters[nameof(HostCollectives.Bytes)] is not null);

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
}
