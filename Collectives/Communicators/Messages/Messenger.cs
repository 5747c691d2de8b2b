using System.Diagnostics;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Carries messages, and the parts of collectives that cross nodes, between this rank and its peers: over rings inside a node, over TCP between nodes. The thread that
/// makes a call moves the bytes; there is no other. The <see cref="CallGate"/> lets one call in at a time.
/// </summary>
internal sealed unsafe partial class Messenger : IDisposable
{
    private const int AbortTextBytes = SegmentLayout.MaxAbortTextBytes;
    private const int ZeroBytes = 256 << 10;
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(1);

    /// <summary>What an interrupted payload ends with.</summary>
    private static readonly byte* s_zeros = (byte*)NativeMemory.AllocZeroed(ZeroBytes);

    private readonly FaultBoard _board;
    private readonly CallGate _gate;
    private readonly SpinPolicy _spin;
    private readonly RingBell _bell;

    /// <summary>By rank in the group; null for this one.</summary>
    private readonly Peer?[] _peers;
    private readonly Peer[] _remote;
    private readonly pollfd* _polled;

    // One text to send to all, and one area a peer to receive into.
    private readonly byte* _texts;
    private readonly TimeSpan _patience;
    private int _abortTextLength;
    private bool _told;

    /// <summary>Takes over the channels, one a rank of the group, null for this one. <paramref name="patience"/>: how long a machine may not be heard of.</summary>
    internal Messenger(FaultBoard board, CallGate gate, SpinPolicy spin, RingBell bell, PeerChannel?[] channels, TimeSpan patience)
    {
        _patience = patience;
        _board = board;
        _gate = gate;
        _spin = spin;
        _bell = bell;
        _peers = [.. channels.Select((channel, rank) => channel is null ? null : new Peer(rank, channel))];
        _remote = [.. _peers.OfType<Peer>().Where(peer => !peer.IsLocal)];
        _polled = (pollfd*)NativeMemory.AllocZeroed((nuint)Math.Max(1, _remote.Length), (nuint)sizeof(pollfd));
        _texts = (byte*)NativeMemory.AllocZeroed((nuint)(channels.Length + 1), AbortTextBytes);
    }

    private byte* AbortTextOut => _texts;

    private byte* AbortTextIn(Peer peer) => _texts + ((peer.Rank + 1) * AbortTextBytes);

    /// <summary>Between calls: notes what other nodes have to say about the end of the group.</summary>
    internal void Look()
    {
        if (_remote.Length > 0 && !_board.IsRaised)
            PollRemote(0);
    }

    /// <summary>Within a collective that waits elsewhere: keeps what has come for receives to come.</summary>
    internal void TakeIn()
    {
        foreach (Peer? peer in _peers)
        {
            if (peer is not null)
                Pull(peer);
        }
    }

    /// <summary>At the end of every call, however it ended.</summary>
    internal void EndCall()
    {
        if (_board.IsRaised)
            TellOthers();
        _gate.Leave();

        // An abort that came between the two found the gate held and has left the telling to this.
        if (_board.IsRaised && !_told && _remote.Length > 0 && _gate.TryHold())
        {
            TellOthers();
            _gate.Leave();
        }
    }

    /// <summary>Once: tells the ranks of other nodes why the group is over. Payloads under way end in zeros, since the memory they came from is the caller's again.</summary>
    internal void TellOthers()
    {
        if (_told || _remote.Length == 0)
            return;
        _told = true;
        AbortWord word = _board.Word;
        ReadOnlySpan<byte> text = System.Text.Encoding.UTF8.GetBytes(_board.TextOf(word));
        _abortTextLength = Math.Min(text.Length, AbortTextBytes);
        text[.._abortTextLength].CopyTo(new Span<byte>(AbortTextOut, AbortTextBytes));
        foreach (Peer peer in _remote)
        {
            peer.DropOutgoing();
            if (peer.OutPayloadLeft > 0)
                peer.OutPayload = null;
            peer.TryQueueControl(Frame.Of(FrameKind.Abort, word.Value, 0, _abortTextLength));
        }

        Flush(s_farewell / 4);
        foreach (Peer peer in _remote)
            peer.Channel.EndWriting();
    }

    public void Dispose()
    {
        if (_board.IsRaised)
            TellOthers();
        foreach (Peer peer in _remote)
            peer.TryQueueControl(Frame.Of(FrameKind.Left, _gate.Sequence));
        Flush(s_farewell);
        foreach (Peer? peer in _peers)
            peer?.Channel.Dispose();
        foreach (UnexpectedMessage message in _unexpected.Concat(_spareMessages))
            message.Dispose();
        _receive.Kept?.Dispose();
        NativeMemory.Free(_texts);
        NativeMemory.Free(_polled);
    }

    /// <summary>
    /// Until the other nodes' machines have confirmed everything that this rank has written, or time is up. What comes in meanwhile is nobody's any more; but it is read,
    /// since closing a connection with unread bytes would take away from the peer what it has not read.
    /// </summary>
    private void Flush(TimeSpan limit)
    {
        long end = Stopwatch.GetTimestamp() + (long)(limit.TotalSeconds * Stopwatch.Frequency);
        const int DrainBytes = 4096;
        byte* drain = stackalloc byte[DrainBytes];
        bool all;
        do
        {
            all = true;
            foreach (Peer peer in _remote)
            {
                if (peer.Channel.IsClosed)
                    continue;
                while (peer.Channel.Read(drain, DrainBytes) > 0)
                {
                }

                Push(peer);
                all &= peer.Channel.IsClosed || (!peer.HasOutgoing && peer.Channel.Unconfirmed == 0);
            }

            if (!all)
                Thread.Sleep(1);
        }
        while (!all && Stopwatch.GetTimestamp() < end);
    }
}
