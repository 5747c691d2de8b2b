using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>What this rank measures its pairs with. Which probe a pair takes follows from what all ranks know.</summary>
internal sealed class PairProbes : IDisposable
{
    private readonly GroupCoordinator _group;
    private readonly bool[] _reached;
    private PeerPairProbe? _peer;
    private NcclPairProbe? _nccl;
    private HostPairProbe? _host;

    private PairProbes(GroupCoordinator group, bool[] reached)
    {
        (_group, _reached) = (group, reached);
    }

    /// <summary>Collective. Throws on all ranks if one can't have the memory that it takes.</summary>
    /// <param name="meeting">The group.</param>
    /// <param name="pattern">What is sent.</param>
    /// <param name="options">Equal on all ranks.</param>
    /// <param name="memory">Null: this rank's GPU reaches no other.</param>
    internal static PairProbes Make(PairMeeting meeting, PairPattern pattern, PairOptions options, PairMemory? memory)
    {
        GroupCoordinator group = meeting.Group;
        PairProbes probes = new(group, [.. meeting.Gather([memory is null ? (byte)0 : (byte)1]).Select(flag => flag[0] != 0)]);
        bool areAllReached = group.NodeCount == 1 && probes._reached.All(reached => reached);
        string? objection = null;
        try
        {
            if (memory is not null)
                probes._peer = new PeerPairProbe(meeting, pattern, options, memory);
            if (!areAllReached && group.DeviceCommunicator is not null)
                probes._nccl = new NcclPairProbe(meeting, pattern, options);
            else if (!areAllReached)
                probes._host = new HostPairProbe(meeting, pattern, options);
        }
        catch (CudaException e)
        {
            objection = e.Message;
        }

        try
        {
            if (meeting.Vote(objection) is { } reason)
                throw new InvalidOperationException($"Group {group.Name}: pairs can't be measured with copies of {pattern.Length} bytes. {reason}");
            string? noFlag = meeting.Vote(probes._peer?.FlagObjection);
            if (probes._peer is not null)
                probes._peer.FlagObjection = noFlag;
            return probes;
        }
        catch
        {
            probes.Dispose();
            throw;
        }
    }

    internal PairProbe For(int from, int to) =>
        _peer is not null && _reached[from] && _reached[to] && _group.Members[from].NodeId == _group.Members[to].NodeId ? _peer : _nccl is not null ? _nccl : _host!;

    public void Dispose()
    {
        _peer?.Dispose();
        _nccl?.Dispose();
        _host?.Dispose();
    }
}
