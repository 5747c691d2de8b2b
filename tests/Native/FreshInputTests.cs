using System.Text.Json.Nodes;
using CollectivesSharp.Interop;
using CollectivesSharp.Perf;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>bench/Perf --fresh: a call's input is written just before it, and what comes out is known.</summary>
public sealed class FreshInputTests
{
    private const int Ranks = 3;
    private const int Count = 1_001;

    [Theory]
    [InlineData(CollectiveKind.AllReduce)]
    [InlineData(CollectiveKind.AllGather)]
    [InlineData(CollectiveKind.AllToAll)]
    [InlineData(CollectiveKind.ReduceScatter)]
    [InlineData(CollectiveKind.Broadcast)]
    [InlineData(CollectiveKind.Scatter)]
    [InlineData(CollectiveKind.SendReceive)]
    public void Every_row_is_checked_and_right(CollectiveKind collective) => OnRanks(Options(collective), (setting, buffers) =>
    {
        Row row = new Case(setting, buffers, DataType.Float32, Count, Operation.Sum, 1).Measure();
        Measurement[] measured = [.. new[] { row.OutOfPlace, row.InPlace }.OfType<Measurement>()];
        Assert.NotEmpty(measured);
        Assert.All(measured, one => Assert.Equal(0, one.Wrong));
        Assert.All(measured, one => Assert.True(one.Time > 0));
    });

    [Fact]
    public void The_last_timed_call_delivers_what_was_written_just_before_it() => OnRanks(Options(CollectiveKind.AllReduce), (setting, buffers) =>
    {
        Part output = new(1, 0, Count);
        buffers.Time(new Call(CollectiveKind.AllReduce, new Part(0, 0, Count), output, Operation.Sum, -1));
        Assert.Equal(0, buffers.CountWrong(output, setting.Options.Iterations, Operation.Sum, 0));
        Assert.NotEqual(0, buffers.CountWrong(output, setting.Options.Iterations - 1, Operation.Sum, 0));
    });

    [Fact]
    public void Without_it_nobody_writes_the_inputs() => OnRanks(Options(CollectiveKind.AllReduce) with { Fresh = false }, (setting, buffers) =>
    {
        Part input = new(0, 0, Count), output = new(1, 0, Count);
        buffers.Fill(input, 77, Operation.Sum);
        buffers.Time(new Call(CollectiveKind.AllReduce, input, output, Operation.Sum, -1));
        Assert.Equal(0, buffers.CountWrong(output, 77, Operation.Sum, 0));
    });

    [Theory]
    [InlineData(CollectiveKind.Broadcast)]
    [InlineData(CollectiveKind.Scatter)]
    public void Where_one_rank_sends_it_alone_writes(CollectiveKind collective) => OnRanks(Options(collective), (setting, buffers) =>
    {
        const int Root = 1;
        Part input = new(0, 0, Ranks * Count), output = collective == CollectiveKind.Scatter ? new Part(1, 0, Count) : new Part(1, 0, Ranks * Count);
        buffers.Fill(input, 77, Operation.Sum);
        buffers.Time(new Call(collective, input, output, Operation.Sum, Root));
        int rank = setting.Group.RankInGroup;
        Assert.Equal(rank != Root, buffers.CountWrongCopy(input, 77, Operation.Sum, rank, 0) == 0);
    });

    [Fact]
    public void Results_say_that_inputs_were_fresh()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory();
        try
        {
            foreach (bool fresh in (bool[])[true, false])
            {
                PerfOptions options = Options(CollectiveKind.AllReduce) with { Fresh = fresh, Json = new FileInfo(Path.Join(folder.FullName, "json")), Csv = new FileInfo(Path.Join(folder.FullName, "csv")) };
                ThreadRanks.Run(1, group => Report.Write(new Setting(options, group, false), [new Row(4, 1, "float", "sum", -1, new Measurement(1, 1, 1, 0), null)], DateTimeOffset.UtcNow), new GroupOptions { Device = DeviceChoice.None });
                Assert.Equal(fresh, (bool)JsonNode.Parse(File.ReadAllText(options.Json.FullName))!["flags"]!["fresh"]!);
                string[][] cells = [.. File.ReadLines(options.Csv.FullName).Select(line => line.Split(','))];
                Assert.Equal(fresh ? "1" : "0", cells[1][Array.IndexOf(cells[0], "fresh")]);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_flag_is_off_until_given()
    {
        Assert.False((await ParseAsync("all-gather")).Fresh);
        Assert.True((await ParseAsync("all-gather", "--fresh")).Fresh);
    }

    [Theory]
    [InlineData("barrier", "sends nothing")]
    [InlineData("all-reduce --compare", "device memory")]
    [InlineData("all-reduce --backend cuda", "--backend host measures that")]
    public async Task It_is_refused_where_no_host_memory_is_written(string arguments, string reason)
    {
        PerfException refused = await Assert.ThrowsAsync<PerfException>(async () => Backends.GroupOptions(await ParseAsync([.. arguments.Split(' '), "--fresh"])));
        Assert.Contains("--fresh", refused.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private static void OnRanks(PerfOptions options, Action<Setting, IBuffers> body) => ThreadRanks.Run(
        Ranks,
        group =>
        {
            using HostBuffers<float> buffers = new(options, group, Ranks * Count * sizeof(float));
            body(new Setting(options, group, false), buffers);
        },
        new GroupOptions { Device = DeviceChoice.None });

    private static PerfOptions Options(CollectiveKind collective) => new()
    {
        Collective = collective,
        MinBytes = Count,
        MaxBytes = Count,
        StepBytes = 1,
        StepFactor = 2,
        Iterations = 3,
        WarmupIterations = 1,
        Fresh = true,
        Checks = 2,
        Types = [DataType.Float32],
        Operations = [Operation.Sum],
        Root = 1,
        Backend = Backend.Host,
        Launch = LaunchMode.Threads,
        Replays = 0,
    };

    private static async Task<PerfOptions> ParseAsync(params string[] arguments)
    {
        PerfOptions? parsed = null;
        await CommandLine.InvokeAsync(arguments, (options, _) =>
        {
            parsed = options;
            return Task.FromResult(0);
        });
        return Assert.IsType<PerfOptions>(parsed);
    }
}
