using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;

namespace CollectivesSharp.Benchmarks;

/// <summary>
/// In this process, so that it runs where there is no SDK to build with, and with fixed counts: a pilot stage would choose them by rank 0's clock alone, and
/// tables of different days would rest on different numbers of calls.
/// </summary>
internal sealed class BandwidthConfig : ManualConfig
{
    internal BandwidthConfig(bool quick)
    {
        AddJob(Job.Default
            .WithToolchain(InProcessNoEmitToolchain.Instance)
            .WithWarmupCount(quick ? 1 : 3)
            .WithIterationCount(quick ? 2 : 12)
            .WithInvocationCount(quick ? 8 : 256)
            .WithUnrollFactor(1));
        AddDiagnoser(MemoryDiagnoser.Default);
        AddColumnProvider(DefaultColumnProviders.Descriptor, DefaultColumnProviders.Params, DefaultColumnProviders.Statistics, DefaultColumnProviders.Metrics);
        AddColumn(BandwidthColumn.Algorithm, BandwidthColumn.Bus);
        AddLogger(ConsoleLogger.Default);
        WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared));
        WithOptions(ConfigOptions.DisableLogFile);
    }
}
