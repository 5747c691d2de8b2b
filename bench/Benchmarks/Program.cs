using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using CollectivesSharp.Benchmarks;

// BenchmarkDotNet's arguments, and --quick: a few calls a case, to see that everything runs.
bool quick = args.Contains("--quick");
List<Type> benchmarks = [typeof(HostCollectives)];
if (Gpus.FindObjection() is { } objection)
    Console.WriteLine($"// {nameof(DeviceCollectives)} and {nameof(NcclCallCost)} are skipped: {objection}");
else
    benchmarks.AddRange([typeof(DeviceCollectives), typeof(NcclCallCost)]);
Summary[] summaries = [.. BenchmarkSwitcher.FromTypes([.. benchmarks]).Run([.. args.Where(argument => argument != "--quick")], new BandwidthConfig(quick))];

// BenchmarkDotNet itself returns normally when a case has thrown.
bool complete = summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(report => report.Success && report.ResultStatistics is not null));
bool listed = args.Any(argument => argument is "--list" or "--help" or "--info" or "--version");
return complete && (listed || summaries.Any(summary => summary.Reports.Length > 0)) ? 0 : 1;
