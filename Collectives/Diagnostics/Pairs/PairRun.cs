using System.Text.Json;

namespace CollectivesSharp;

/// <summary>One measurement of all pairs, as one rank goes through it.</summary>
internal sealed class PairRun(GroupCoordinator group, PairOptions options, GroupTopology topology, Func<nuint, Task<(PairMemory? Memory, string? Objection)>> createMemory, CancellationToken cancellationToken)
{
    private const long DeviceBytes = 64L << 20;
    private const long HostBytes = 4L << 20;

    private readonly PairMeeting _meeting = new(group, new HostCallOptions { Timeout = options.Timeout, CancellationToken = cancellationToken });

    internal PairMeasurements Measure()
    {
        if (group.WorldSize == 1)
            return new PairMeasurements(group.Members, topology, 0, [], null);
        bool areDevices = group.Members.All(member => member.Device is not null);
        long bytes = options.Bytes ?? (areDevices ? DeviceBytes : HostBytes);
        CheckOptions(bytes);
        try
        {
            return MeasureAll(bytes, areDevices);
        }
        catch (Exception e) when (e is not (CollectiveException or InvalidOperationException))
        {
            // The others wait for this rank's part in it.
            group.Abort($"rank {group.Rank} gave up measuring pairs: {e.Message}");
            throw;
        }
    }

    private PairMeasurements MeasureAll(long bytes, bool areDevices)
    {
        PairPattern pattern = new(bytes);
        (PairMemory? memory, string? objection) = areDevices ? createMemory((nuint)bytes + PingPong.Bytes).GetAwaiter().GetResult() : (null, null);
        try
        {
            List<PairShare> shares = [];
            using PairProbes probes = PairProbes.Make(_meeting, pattern, options, memory);
            for (int from = 0; from < group.WorldSize; from++)
            {
                for (int to = 0; to < group.WorldSize; to++)
                {
                    if (from == to)
                        continue;
                    // The others wait here, asleep: nothing else is on the links.
                    group.Barrier(_meeting.Call);
                    if (group.RankInGroup == from || group.RankInGroup == to)
                        shares.Add(probes.For(from, to).Measure(from, to));
                }
            }

            byte[][] all = _meeting.Gather(JsonSerializer.SerializeToUtf8Bytes([.. shares], PairShareJson.Default.PairShareArray));
            return Put(bytes, [.. all.SelectMany(text => JsonSerializer.Deserialize(text, PairShareJson.Default.PairShareArray)!)], _meeting.Vote(objection));
        }
        catch
        {
            memory?.Quarantine();
            throw;
        }
        finally
        {
            memory?.Dispose();
        }
    }

    /// <summary>Ranks that measure differently would wait for each other.</summary>
    private void CheckOptions(long bytes)
    {
        long[] own = [bytes, options.Copies, options.Samples, options.RoundTrips];
        long[] all = new long[own.Length * group.WorldSize];
        group.AllGather<long>(own, all, _meeting.Call);
        for (int rank = 1; rank < group.WorldSize; rank++)
        {
            if (!all.AsSpan(0, own.Length).SequenceEqual(all.AsSpan(rank * own.Length, own.Length)))
            {
                throw new ArgumentException($"{nameof(GroupCoordinator.MeasurePairsAsync)}: {Text(0)}, {Text(rank)}. The options must be equal on all ranks.");
            }
        }

        string Text(int rank) => $"rank {group.Ranks[rank]} measures {all[rank * own.Length]} bytes × {all[(rank * own.Length) + 1]} copies × {all[(rank * own.Length) + 2]} samples and {all[(rank * own.Length) + 3]} round trips";
    }

    private PairMeasurements Put(long bytes, List<PairShare> shares, string? peerObjection)
    {
        IEnumerable<PairMeasurement> pairs = shares.GroupBy(share => (share.From, share.To)).OrderBy(pair => pair.Key).Select(pair => new PairMeasurement(
            pair.Key.From, pair.Key.To, topology.PathBetween(pair.Key.From, pair.Key.To), pair.First().Transport, topology.NominalBandwidth(pair.Key.From, pair.Key.To))
        {
            GigabytesPerSecond = pair.Select(share => share.Seconds).FirstOrDefault(seconds => seconds is not null) is { } time ? bytes / time / 1e9 : null,
            LatencyMicroseconds = pair.Select(share => share.Latency).FirstOrDefault(seconds => seconds is not null) * 1e6,
            WrongBytes = pair.Sum(share => share.WrongBytes),
            Objection = pair.Select(share => share.Objection).OfType<string>().Distinct().ToArray() is { Length: > 0 } objections ? string.Join("; ", objections) : null,
        });
        return new PairMeasurements(group.Members, topology, bytes, [.. pairs], peerObjection);
    }
}
