using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

public sealed class CollectiveTests
{
    public static MatrixTheoryData<CollectiveKind, int> CollectivesAndSizes => new(
        [.. DeviceCaseGenerator.Collectives],
        [.. DeviceWorld.Sizes.Select(row => row.Data)]);

    [Theory]
    [MemberData(nameof(CollectivesAndSizes))]
    public void Every_element_of_every_type_is_what_the_definition_says(CollectiveKind collective, int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        foreach (DataType type in Types(rank))
        {
            List<DeviceCase> cases = DeviceCaseGenerator.Make(collective, type, rank.Size, World.Seed, rank.IsBrief);
            DeviceRunner.Of(rank, type).Eager(cases);
        }
    });

    [Theory]
    [MemberData(nameof(CollectivesAndSizes))]
    public void A_graph_does_the_same_at_each_replay_and_with_other_pointers(CollectiveKind collective, int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        foreach (DataType type in Types(rank))
        {
            List<DeviceCase> cases = DeviceCaseGenerator.Make(collective, type, rank.Size, World.Seed + 1, rank.IsBrief);
            DeviceRunner.Of(rank, type).Captured(cases);
        }
    });

    private static IEnumerable<DataType> Types(DeviceRank rank) =>
        (rank.IsBrief ? [DataType.Float32, DataType.BFloat16, DataType.Float8E4M3, DataType.Int8, DataType.UInt64] : Enum.GetValues<DataType>()).Where(rank.Moves);
}
