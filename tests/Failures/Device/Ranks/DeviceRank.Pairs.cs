namespace CollectivesSharp.Failures;

internal static partial class DeviceRank
{
    private static async Task PairsAsync(GroupOptions options)
    {
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(options);
        await StepAsync(group.Rank, "pairs", async () =>
        {
            PairMeasurements measured = await group.MeasurePairsAsync(new PairOptions { Bytes = 64 << 10, Copies = 2, Samples = 1, RoundTrips = 10 });
            Tell(group.Rank, "ways", string.Join(' ', measured.Pairs.Select(pair => $"{pair.Transport}:{pair.WrongBytes}:{pair.GigabytesPerSecond > 0}")));
            Tell(group.Rank, "objection", measured.PeerObjection ?? "");
        });
        Step(group.Rank, "barrier", () => group.Barrier());
    }
}
