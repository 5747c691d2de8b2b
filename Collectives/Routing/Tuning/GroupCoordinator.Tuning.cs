using System.Text;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    /// <summary>The measured table that all-reduces of device memory go by; null: the built-in one, see <see cref="AllReduceTuningNote"/>.</summary>
    public AllReduceTuning? AllReduceTuning => (_device as RoutedDeviceCommunicator)?.Facts.Tuning;

    /// <summary>Where the table comes from, or why there is no measured one; on ranks other than the first without what only that one knows.</summary>
    public string AllReduceTuningNote { get; private set; } = "the built-in table";

    /// <summary>
    /// Measures each route of all-reduces in turn, size by size, without changing what the group does. Collective: every rank calls it with equal options, while nothing else runs on the group. Takes seconds, and two buffers
    /// of the largest size on each device, two more in symmetric windows if they are to be had; an output is registered where that can be had (<see cref="AllocateRegisteredAsync"/>), which takes up to twice as much.
    /// </summary>
    /// <param name="options">Null: as they come.</param>
    /// <param name="progress">Told of each size, on the calling thread or as the implementation has it.</param>
    /// <param name="cancellationToken">Ends it on every rank, between two sizes.</param>
    /// <exception cref="NotSupportedException">The group has not more than one route.</exception>
    /// <exception cref="TimeoutException">The options' deadline has passed; on all ranks alike.</exception>
    public IReadOnlyList<AllReduceTiming> MeasureAllReduce(AllReduceTunerOptions? options = null, IProgress<AllReduceTiming>? progress = null, CancellationToken cancellationToken = default) =>
        MeasureAllReduce(options, progress, null, cancellationToken);

    /// <summary>Looks at the sums of every route too, if there is a check.</summary>
    internal IReadOnlyList<AllReduceTiming> MeasureAllReduce(AllReduceTunerOptions? options, IProgress<AllReduceTiming>? progress, Func<CudaStream, IAllReduceCheck>? check, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        options ??= new AllReduceTunerOptions();
        options.Validate();
        using AllReduceMeasurement measurement = new(this, Routed(nameof(MeasureAllReduce)), options, check, cancellationToken);
        return measurement.Run(progress);
    }

    /// <summary>
    /// As <see cref="MeasureAllReduce(AllReduceTunerOptions, IProgress{AllReduceTiming}, CancellationToken)"/>; the group goes by what was found from now on, and the first rank keeps it in the cache, where later groups of such ranks find it. Graphs that were captured before stay as they are.
    /// </summary>
    public Task<AllReduceTunerResult> TuneAllReduceAsync(AllReduceTunerOptions? options = null, IProgress<AllReduceTiming>? progress = null, CancellationToken cancellationToken = default) =>
        TuneAllReduceAsync(options, progress, null, cancellationToken);

    /// <summary>With a check no route whose sums are wrong comes into the table.</summary>
    internal async Task<AllReduceTunerResult> TuneAllReduceAsync(AllReduceTunerOptions? options, IProgress<AllReduceTiming>? progress, Func<CudaStream, IAllReduceCheck>? check, CancellationToken cancellationToken)
    {
        RoutedDeviceCommunicator routed = Routed(nameof(TuneAllReduceAsync));
        string key = await MakeTuningKeyAsync(routed, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<AllReduceTiming> timings = MeasureAllReduce(options, progress, check, cancellationToken);
        AllReduceTuning tuning = TakeTuning(routed, CollectivesSharp.AllReduceTuning.Of(WorldSize, timings), key);
        string? kept = IsFirstRank ? AllReduceTuningCache.Default.Keep(key, AllReduceTuningFile.Write(key, tuning)) : null;
        AllReduceTuningNote = $"measured by this group{(kept is null ? "" : $", {kept}")}";
        return new AllReduceTunerResult(tuning, timings, kept);
    }

    /// <summary>Collective: the first rank's table is everybody's from now on, whatever theirs says.</summary>
    internal AllReduceTuning TakeTuning(RoutedDeviceCommunicator routed, AllReduceTuning tuning, string key = "") => Use(routed, Distribute(IsFirstRank ? AllReduceTuningFile.Write(key, tuning) : []), key);

    /// <summary>Of the creation. Only the first rank looks at its disk; the others take what it sends.</summary>
    private async Task FindTuningAsync(CancellationToken cancellationToken)
    {
        if (_options.AllReduceTuning == AllReduceTuningMode.Off || _device is not RoutedDeviceCommunicator { Facts.Forced: null } routed)
            return;
        AllReduceTuningCache cache = AllReduceTuningCache.Default;
        if (_options.AllReduceTuning == AllReduceTuningMode.Cached && Distribute(IsFirstRank && !cache.IsEmpty ? [1] : []).Length == 0)
            return;
        string key = await MakeTuningKeyAsync(routed, cancellationToken).ConfigureAwait(false);
        string? reason = null;
        byte[] text = Distribute(IsFirstRank ? cache.Find(key, WorldSize, out reason) ?? [] : []);
        if (text.Length > 0)
        {
            _ = Use(routed, text, key);
            AllReduceTuningNote = IsFirstRank ? cache.PathOf(key) : "the first rank's cache";
            return;
        }

        AllReduceTuningNote = $"the built-in table: {reason ?? "the first rank has found no other"}";
        _logger.LogDebug("Group {Name}: {Note}", Name, AllReduceTuningNote);
        if (_options.AllReduceTuning != AllReduceTuningMode.Measure)
            return;
        try
        {
            SynchronousProgress? progress = IsFirstRank ? new(row => _logger.LogInformation("Group {Name}: {Type} {Mode}, {Bytes} bytes: {Route}", Name, row.Type, row.IsCaptured ? "captured" : "eager", row.Bytes, row.Best?.Route)) : null;
            _ = await TuneAllReduceAsync(_options.AllReduceTuner, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException and not ObjectDisposedException)
        {
            // All ranks alike, see AllReduceMeasurement.
            AllReduceTuningNote = $"the built-in table: {e.Message}";
            _logger.LogWarning("Group {Name} goes by the built-in table of routes: {Reason}", Name, e.Message);
        }
    }

    private RoutedDeviceCommunicator Routed(string call) => _device as RoutedDeviceCommunicator
        ?? throw new NotSupportedException($"{call} on group {Name}: there are no routes to compare. {PeerObjection ?? DeviceObjection ?? "A group of one copies."}");

    /// <summary>Everything that a measured table depends on. The fingerprint holds GPUs, links, and the versions of the SDK, NCCL and the driver.</summary>
    private async Task<string> MakeTuningKeyAsync(RoutedDeviceCommunicator routed, CancellationToken cancellationToken)
    {
        GroupTopology topology = await GatherTopologyAsync(null, cancellationToken).ConfigureAwait(false);
        int processes = Members.Select(member => (member.NodeId, member.ProcessId)).Distinct().Count();
        string own = FormattableString.Invariant($"{topology.Fingerprint} {WorldSize} ranks in {processes} processes, SDK {GroupAgreement.SdkVersion}, NCCL {routed.Nccl?.Version ?? 0}, arena {_options.ArenaBytes}, {_options.AllReducePolicy}, {routed.Facts.Hardware.Kind}, NVLS {PosixNative.GetEnvironment("NCCL_NVLS_ENABLE") ?? "not set"}");

        // A variable of the environment may differ by rank: the first one's counts.
        return Encoding.UTF8.GetString(Distribute(IsFirstRank ? Encoding.UTF8.GetBytes(own) : []));
    }

    private AllReduceTuning Use(RoutedDeviceCommunicator routed, byte[] text, string key)
    {
        AllReduceTuning tuning = AllReduceTuningFile.Read(text, key, WorldSize, out string? reason) ?? throw new InvalidDataException($"Group {Name}: the table of routes that the first rank has sent is of no use: {reason}.");
        routed.Facts = routed.Facts with { Tuning = tuning };
        return tuning;
    }

    /// <summary>The first rank's bytes, on every rank.</summary>
    private byte[] Distribute(byte[] text)
    {
        long[] length = [text.Length];
        Broadcast<long>(length, 0);
        byte[] all = IsFirstRank ? text : new byte[length[0]];
        if (all.Length > 0)
            Broadcast<byte>(all, 0);
        return all;
    }

    /// <summary>On the calling thread, in order.</summary>
    private sealed class SynchronousProgress(Action<AllReduceTiming> report) : IProgress<AllReduceTiming>
    {
        public void Report(AllReduceTiming value) => report(value);
    }
}
