using Xunit;

namespace CollectivesSharp.Unit.Groups;

public sealed class GroupOptionsTests
{
    public static TheoryData<string, GroupOptions, string> Invalid => new()
    {
        { "no name", new() { Name = " " }, "Name" },
        { "rank alone", new() { Rank = 1 }, "found Rank = 1, WorldSize = null" },
        { "size alone", new() { WorldSize = 2 }, "found Rank = null, WorldSize = 2" },
        { "rank beyond size", new() { Rank = 2, WorldSize = 2 }, "Rank 2 of WorldSize 2" },
        { "negative rank", new() { Rank = -1, WorldSize = 2 }, "Rank -1 of WorldSize 2" },
        { "no rank at all", new() { Rank = 0, WorldSize = 0 }, "WorldSize 0" },
        { "no time", new() { Timeout = TimeSpan.Zero }, "Timeout 00:00:00" },
        { "endless", new() { Timeout = Timeout.InfiniteTimeSpan }, "Timeout" },
        { "more than a week", new() { Timeout = TimeSpan.FromDays(8) }, "up to 7 days" },
        { "small chunk", new() { HostChunkBytes = 2048 }, "HostChunkBytes 2048: from 4096" },
        { "odd chunk", new() { HostChunkBytes = 4097 }, "HostChunkBytes 4097" },
        { "negative arena", new() { ArenaBytes = -65536 }, "ArenaBytes -65536: 0, or from 65536" },
        { "odd arena", new() { ArenaBytes = 100_000 }, "ArenaBytes 100000" },
        { "huge arena", new() { ArenaBytes = (16L << 30) + 65536 }, "ArenaBytes" },
        { "large chunk", new() { HostChunkBytes = (256 << 20) + 4096 }, "HostChunkBytes" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public async Task Options_that_make_no_sense_are_refused_with_what_was_found(string what, GroupOptions options, string message)
    {
        ArgumentException refused = await Assert.ThrowsAnyAsync<ArgumentException>(() => GroupCoordinator.CreateAsync(options));
        Assert.True(refused.Message.Contains(message, StringComparison.Ordinal), $"{what}: {refused.Message}");
    }

    [Fact]
    public void The_bounds_themselves_are_taken()
    {
        new GroupOptions().Validate();
        new GroupOptions { ArenaBytes = 0 }.Validate();
        new GroupOptions { ArenaBytes = 16L << 30 }.Validate();
        new GroupOptions { Rank = 0, WorldSize = 1, HostChunkBytes = 4096, Timeout = TimeSpan.FromDays(7) }.Validate();
        new GroupOptions { Rank = 4, WorldSize = 5, HostChunkBytes = 256 << 20, Timeout = TimeSpan.FromTicks(1) }.Validate();
    }
}
