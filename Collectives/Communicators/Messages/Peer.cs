namespace CollectivesSharp;

/// <summary>One peer as a <see cref="Messenger"/> sees it: what is on its way out, what is coming in, and what was heard of it.</summary>
internal sealed unsafe class Peer(int rank, PeerChannel channel)
{
    /// <summary>Room for small frames that cut in between the payloads: grants, signs of life, the end.</summary>
    private const int MaxControls = 8;

    private readonly Queue<Frame> _controls = new(MaxControls);

    internal int Rank { get; } = rank;

    internal PeerChannel Channel { get; } = channel;

    internal bool IsLocal => Channel.Descriptor < 0;

    // Going out: the frame under way, and the payload that may follow it.
    internal Frame Out;
    internal int OutHeaderLeft;
    internal byte* OutPayload;
    internal nuint OutPayloadLeft;
    internal bool OutIsPosted;
    internal Frame Posted;
    internal byte* PostedPayload;
    internal bool HasPosted;

    // Coming in.
    internal Frame In;
    internal int InHeaderBytes;
    internal byte* InTarget;
    internal nuint InLeft;

    /// <summary>The frame in <see cref="In"/> belongs to a call that this rank has not made yet: nothing behind it can be read.</summary>
    internal bool IsParked;

    /// <summary>The peer has ended its stream, and all of it is here.</summary>
    internal bool IsWhole;

    /// <summary>The entry of the unexpected message that is coming in.</summary>
    internal UnexpectedMessage? InMessage;

    // The parts of a collective that this rank expects, one behind the other.
    internal bool IsExpecting;
    internal nuint PartsExpected;
    internal nuint PartsReceived;
    internal byte* ExpectedTarget;
    internal nuint ExpectedCapacity;
    internal nuint ReceivedBytes;
    internal int NextNumberIn;
    internal int NextNumberOut;

    // What it said of itself.
    internal bool HasLeft;
    internal long HeardSequence;
    internal int WaitsFor = -1;
    internal bool ToldWhereItWaits;

    internal bool HasOutgoing => OutHeaderLeft > 0 || OutPayloadLeft > 0 || HasPosted || _controls.Count > 0;

    /// <summary>False if the peer has not taken the earlier ones yet.</summary>
    internal bool TryQueueControl(Frame frame)
    {
        if (_controls.Count == MaxControls)
            return false;
        _controls.Enqueue(frame);
        return true;
    }

    internal bool TryTakeControl(out Frame frame) => _controls.TryDequeue(out frame);

    /// <summary>Forgets what has not begun to travel.</summary>
    internal void DropOutgoing()
    {
        _controls.Clear();
        HasPosted = false;
        OutIsPosted = false;
        if (OutHeaderLeft == Frame.Bytes)
        {
            OutHeaderLeft = 0;
            OutPayloadLeft = 0;
        }
    }
}
