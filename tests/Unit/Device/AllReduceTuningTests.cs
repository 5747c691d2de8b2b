using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Device;

/// <summary>Measured tables: how they follow from times, and what of a cache is believed.</summary>
public sealed class AllReduceTuningTests : IDisposable
{
    private const string Key = "some ranks";

    private static readonly AllReduceTuning s_tuning = new(4, [new(DataType.BFloat16, true, [new(1024, AllReduceRoute.OneShot), new(1 << 20, AllReduceRoute.Nccl)])]);

    private readonly string _folder = Directory.CreateTempSubdirectory("tuning").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Neighbours_that_differ_by_noise_make_one_band()
    {
        AllReduceTuning tuning = AllReduceTuning.Of(2, [Row(1024, 2, 4, 6), Row(2048, 3.03, 3, 6), Row(4096, 9, 5, 6), Row(8192, 20, 10, 6)]);
        Assert.Equal([new(2048, AllReduceRoute.OneShot), new(4096, AllReduceRoute.TwoShot), new(8192, AllReduceRoute.Nccl)], Assert.Single(tuning.Tables).Bands);
    }

    [Fact]
    public void Calls_between_symmetric_windows_have_a_table_of_their_own()
    {
        AllReduceTiming row = Row(1024, 9, 8, 5);
        AllReduceTuning tuning = AllReduceTuning.Of(2, [row with { Routes = [.. row.Routes, new(AllReduceRoute.NcclSymmetric, 6, null)] }]);
        AllReduceRequest plain = new(256, DataType.Float32, ReduceOp.Sum) { IsCaptured = true };
        Assert.Equal(AllReduceRoute.Nccl, tuning.Find(plain));
        Assert.Equal(AllReduceRoute.NcclSymmetric, tuning.Find(plain with { IsSymmetric = true }));
        Assert.Equal(AllReduceRoute.Nccl, tuning.Find(plain with { IsSymmetric = true, Op = ReduceOp.Max }));
        AllReduceTuning read = AllReduceTuningFile.Read(AllReduceTuningFile.Write(Key, tuning), Key, 2, out _)!;
        Assert.Equal(tuning.Tables.Select(table => table.IsSymmetric), read.Tables.Select(table => table.IsSymmetric));
    }

    [Fact]
    public void Capture_is_asked_for_where_it_makes_a_difference()
    {
        AllReduceRequest request = new(256, DataType.Float32, ReduceOp.Sum);
        AllReduceTiming captured = Row(1024, 2, 4, 6), large = Row(2048, 2, 4, 6);
        AllReduceTuning tuning = AllReduceTuning.Of(2, [captured, large, captured with { IsCaptured = false }, Row(2048, 4, 2, 6) with { IsCaptured = false }]);
        Assert.False(tuning.DependsOnCapture(request));
        Assert.True(tuning.DependsOnCapture(request with { Count = 512 }));
        Assert.True(tuning.DependsOnCapture(request with { Count = 512, IsCaptured = true }));
        Assert.False(tuning.DependsOnCapture(request with { Count = 513 }));
    }

    [Fact]
    public void A_route_whose_sums_are_wrong_is_never_the_best()
    {
        AllReduceTiming row = Row(1024, 5, 7, 6);
        Assert.Equal(AllReduceRoute.Nccl, (row with { Routes = [row.Routes[0] with { Wrong = 1 }, .. row.Routes.Skip(1).Select(route => route with { Wrong = 0 })] }).Best!.Route);
    }

    [Fact]
    public void Rounds_make_a_median_and_quartiles()
    {
        RouteTiming timing = RouteTiming.Of(AllReduceRoute.OneShot, [9, 1, 8, 2, 7, 3, 6, 4, 5, 10, 11]);
        Assert.Equal((6, 3, 9), (timing.Microseconds, timing.LowerQuartile, timing.UpperQuartile));
        Assert.Equal(4, RouteTiming.Of(AllReduceRoute.OneShot, [4]).UpperQuartile);
    }

    [Fact]
    public void A_route_that_cannot_is_never_the_best()
    {
        AllReduceTiming row = Row(1024, null, 7, 6);
        Assert.Equal(AllReduceRoute.Nccl, row.Best!.Route);
        Assert.Equal(7.0 / 6 - 1, (row with { Choice = AllReduceRoute.TwoShot }).Distance!.Value, 9);
        Assert.Null((row with { Choice = AllReduceRoute.OneShot }).Distance);
    }

    [Fact]
    public void Plain_buffers_have_a_choice_and_a_distance_of_their_own()
    {
        AllReduceTiming row = Row(1024, 8, 10, 9);
        row = row with { Choice = AllReduceRoute.CopyEngine, Routes = [.. row.Routes, new(AllReduceRoute.CopyEngine, 5, null)] };
        Assert.Null(row.PlainDistance);
        row = row with { PlainChoice = AllReduceRoute.TwoShot };
        Assert.Equal((AllReduceRoute.OneShot, 0, 0.25), (row.PlainRival!.Route, row.Distance!.Value, row.PlainDistance!.Value));
    }

    [Fact]
    public void What_was_kept_is_found()
    {
        AllReduceTuningCache cache = new(_folder);
        Assert.True(cache.IsEmpty);
        Assert.Null(cache.Find(Key, 4, out string? reason));
        Assert.Contains("nobody has tuned", reason, StringComparison.Ordinal);
        string path = cache.Keep(Key, AllReduceTuningFile.Write(Key, s_tuning));
        Assert.Equal([path], Directory.GetFiles(_folder));
        Assert.False(cache.IsEmpty);
        AllReduceTuning found = AllReduceTuningFile.Read(cache.Find(Key, 4, out reason), Key, 4, out _)!;
        Assert.Null(reason);
        Assert.Equal(s_tuning.Tables[0].Bands, found.Tables[0].Bands);
        Assert.Equal((DataType.BFloat16, true), (found.Tables[0].Type, found.Tables[0].IsCaptured));
    }

    [Theory]
    [InlineData("\"OneShot\"", "\"Nccl\"", "checksum")]
    [InlineData("1048576", "1048577", "checksum")]
    [InlineData("\"Format\": 4", "\"Format\": 0", "format 0")]
    [InlineData("some ranks", "other ranks", "checksum")]
    [InlineData("{", "", "damaged")]
    [InlineData("\"Bands\"", "\"Bonds\"", "damaged")]
    public void A_damaged_or_old_file_is_ignored_with_a_reason(string from, string to, string expected)
    {
        AllReduceTuningCache cache = new(_folder);
        string path = cache.Keep(Key, AllReduceTuningFile.Write(Key, s_tuning)), text = File.ReadAllText(path);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
        Assert.Null(cache.Find(Key, 4, out string? reason));
        Assert.Contains(expected, reason, StringComparison.Ordinal);
        Assert.Contains(path, reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_foreign_file_is_ignored_with_a_reason()
    {
        AllReduceTuningCache cache = new(_folder);
        File.WriteAllBytes(cache.PathOf(Key), AllReduceTuningFile.Write("other ranks", s_tuning));
        Assert.Null(cache.Find(Key, 4, out string? reason));
        Assert.Contains("other ranks", reason, StringComparison.Ordinal);
        cache.Keep(Key, AllReduceTuningFile.Write(Key, s_tuning));
        Assert.Null(cache.Find(Key, 2, out reason));
        Assert.Contains("4 ranks", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_prefix_of_a_file_is_ignored()
    {
        byte[] text = AllReduceTuningFile.Write(Key, s_tuning);
        for (int length = 0; length < text.Length; length++)
            Assert.Null(AllReduceTuningFile.Read(text.AsSpan(0, length), Key, 4, out _));
    }

    [Fact]
    public void A_table_with_an_unknown_route_or_out_of_order_is_ignored()
    {
        AllReduceTuning none = new(4, [new(DataType.Float32, false, [new(8, AllReduceRoute.None)])]), number = new(4, [new(DataType.Float32, false, [new(8, (AllReduceRoute)77)])]),
            falling = new(4, [new(DataType.Float32, false, [new(8, AllReduceRoute.Nccl), new(8, AllReduceRoute.OneShot)])]);
        foreach (AllReduceTuning tuning in new[] { none, number, falling })
        {
            Assert.Null(AllReduceTuningFile.Read(AllReduceTuningFile.Write(Key, tuning), Key, 4, out string? reason));
            Assert.Contains("band", reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_a_reason()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.StartsWith("not kept: ", new AllReduceTuningCache(file).Keep(Key, [1]), StringComparison.Ordinal);
        Assert.StartsWith("not kept: ", new AllReduceTuningCache(null).Keep(Key, [1]), StringComparison.Ordinal);
        Assert.Null(new AllReduceTuningCache(null).Find(Key, 4, out string? reason));
        Assert.Contains(AllReduceTuningCache.Variable, reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("off", "/cache", null)]
    [InlineData("/mine", "/cache", "/mine")]
    [InlineData(null, "/cache", "/cache/collectives-sharp/tuning")]
    [InlineData("", "", "/home/me/.cache/collectives-sharp/tuning")]
    [InlineData(null, "relative", null)]
    public void The_folder_follows_the_variables(string? named, string? cacheHome, string? expected) => Assert.Equal(expected, AllReduceTuningCache.FolderOf(named, cacheHome, "/home/me"));

    private static AllReduceTiming Row(nuint bytes, double? oneShot, double twoShot, double nccl) => new(bytes, DataType.Float32, true, AllReduceRoute.Nccl,
        [new(AllReduceRoute.OneShot, oneShot, oneShot is null ? "can't" : null), new(AllReduceRoute.TwoShot, twoShot, null), new(AllReduceRoute.Nccl, nccl, null)]);
}
