using System.Text.Json;
using CollectivesSharp.Topology;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    private int _topologies;

    /// <summary>
    /// Looks at this rank's machine and gathers every member's view over the store. Collective: every member calls, as often as the others; it may run beside collectives.
    /// Takes no GPU work. The result is worth keeping.
    /// </summary>
    /// <param name="machine">This rank's machine, where the caller has looked at it already.</param>
    /// <param name="cancellationToken">Ends this rank's waiting; the others go on to their deadline.</param>
    /// <exception cref="TimeoutException">Members that are named did not call within the group's timeout.</exception>
    public async Task<GroupTopology> GatherTopologyAsync(MachineTopology? machine = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        string prefix = $"{_prefix}/topology/{Interlocked.Increment(ref _topologies)}";
        RankTopology own = RankTopology.Of(Members[RankInGroup], machine ?? MachineTopology.Detect());
        await _lease.Store.SetAsync($"{prefix}/{RankInGroup}", JsonSerializer.SerializeToUtf8Bytes(own, GroupTopologyJson.Default.RankTopology), cancellationToken).ConfigureAwait(false);
        string[] keys = [.. Enumerable.Range(0, WorldSize).Select(member => $"{prefix}/{member}")];
        try
        {
            await _lease.Store.WaitAsync(keys, _options.Timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            List<int> missing = [];
            for (int member = 0; member < WorldSize; member++)
            {
                if (await _lease.Store.TryGetAsync(keys[member], cancellationToken).ConfigureAwait(false) is null)
                    missing.Add(Ranks[member]);
            }

            throw new TimeoutException($"Group {Name}: {GroupMember.NameRanks(missing)} did not tell of the machine within {_options.Timeout.TotalSeconds:0.###} s. Every member must call {nameof(GatherTopologyAsync)}.");
        }

        RankTopology[] views = new RankTopology[WorldSize];
        for (int member = 0; member < WorldSize; member++)
        {
            byte[] text = await _lease.Store.GetAsync(keys[member], _options.Timeout, cancellationToken).ConfigureAwait(false);
            views[member] = JsonSerializer.Deserialize(text, GroupTopologyJson.Default.RankTopology)!;
        }

        return new GroupTopology(Members, views);
    }
}
