namespace CollectivesSharp;

/// <summary>What collectives are made of: parts, counted for each pair of ranks within a call, so that none can be taken for another.</summary>
internal sealed unsafe partial class Messenger
{
    private int _unsent;
    private int _unreceived;
    private nuint _partsWanted;

    /// <summary>At the beginning of each collective.</summary>
    internal void BeginParts()
    {
        _unsent = _unreceived = 0;
        foreach (Peer? peer in _peers)
        {
            if (peer is not null)
                peer.NextNumberIn = peer.NextNumberOut = 0;
        }
    }

    /// <summary>One at a time for each peer: the earlier one must have been sent. The memory is in use until <see cref="WaitSent"/> or <see cref="WaitAll"/> returns.</summary>
    internal void PostPart(int destination, byte* data, nuint bytes)
    {
        Peer peer = _peers[destination]!;
        Post(peer, Frame.Of(FrameKind.Part, _gate.Sequence, peer.NextNumberOut++, (long)bytes), data);
    }

    /// <summary>
    /// Expects so many parts, which come to lie one behind the other in <paramref name="capacity"/> bytes: once for each peer until they have come. They are taken in whatever
    /// this rank waits for meanwhile, so that a peer that sends them never waits for more than the channel.
    /// </summary>
    internal void ExpectParts(int source, byte* target, nuint capacity, nuint parts = 1)
    {
        if (parts == 0)
            return;
        Peer peer = _peers[source]!;
        peer.ExpectedTarget = target;
        peer.ExpectedCapacity = capacity;
        peer.PartsExpected = parts;
        peer.PartsReceived = 0;
        peer.IsExpecting = true;
        _unreceived++;
    }

    /// <summary>Waits for so many of the expected parts; returns the bytes of the last one that has come.</summary>
    internal nuint WaitReceived(int source, nuint parts = 1)
    {
        _partsWanted = parts;
        WaitFor(Goal.PartFrom, source);
        return _peers[source]!.ReceivedBytes;
    }

    internal nuint ReceivedBytes(int source) => _peers[source]!.ReceivedBytes;

    /// <summary>For what only a collective can tell: ends the group and throws.</summary>
    internal void Distrust(int source, string what)
    {
        Distrust(_peers[source]!, what);
        ThrowFault();
    }

    internal void WaitSent(int destination) => WaitFor(Goal.PartTo, destination);

    /// <summary>Until nothing is on its way out; what is expected goes on being so.</summary>
    internal void WaitAllSent() => WaitFor(Goal.PartsOut);

    internal void WaitAll() => WaitFor(Goal.Parts);

    private void Post(Peer peer, Frame frame, byte* payload)
    {
        peer.Posted = frame;
        peer.PostedPayload = payload;
        peer.HasPosted = true;
        _unsent++;
    }
}
