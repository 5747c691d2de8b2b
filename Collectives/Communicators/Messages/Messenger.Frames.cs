using System.Runtime.InteropServices;
using System.Text;

namespace CollectivesSharp;

internal sealed unsafe partial class Messenger
{
    /// <summary>Writes to one peer what it takes now. True if anything moved.</summary>
    private bool Push(Peer peer)
    {
        bool moved = false;
        while (!peer.Channel.IsClosed && (peer.OutHeaderLeft > 0 || peer.OutPayloadLeft > 0 || BeginFrame(peer)))
        {
            // Null: an interrupted payload, made up to its length.
            byte* payload = peer.OutPayload == null ? s_zeros : peer.OutPayload;
            nuint payloadBytes = peer.OutPayload == null ? Math.Min(peer.OutPayloadLeft, ZeroBytes) : peer.OutPayloadLeft;
            nuint written;
            fixed (Frame* frame = &peer.Out)
                written = peer.Channel.Write((byte*)frame + (Frame.Bytes - peer.OutHeaderLeft), (nuint)peer.OutHeaderLeft, payload, payloadBytes);
            if (written == 0)
            {
                if (peer.Channel.IsClosed)
                    OnClosed(peer);
                return moved;
            }

            moved = true;
            nuint header = Math.Min(written, (nuint)peer.OutHeaderLeft);
            peer.OutHeaderLeft -= (int)header;
            peer.OutPayloadLeft -= written - header;
            if (peer.OutPayload != null)
                peer.OutPayload += written - header;
            if (peer.OutHeaderLeft == 0 && peer.OutPayloadLeft == 0 && peer.OutIsPosted)
            {
                peer.OutIsPosted = false;
                _unsent--;
            }
        }

        return moved;
    }

    private bool BeginFrame(Peer peer)
    {
        if (peer.TryTakeControl(out peer.Out))
        {
            peer.OutPayload = AbortTextOut;
            peer.OutPayloadLeft = peer.Out.Kind == FrameKind.Abort ? (nuint)peer.Out.Length : 0;
        }
        else if (peer.HasPosted)
        {
            peer.HasPosted = false;
            peer.OutIsPosted = true;
            peer.Out = peer.Posted;
            peer.OutPayload = peer.PostedPayload;
            peer.OutPayloadLeft = peer.Out.HasPayload ? (nuint)peer.Out.Length : 0;
        }
        else
        {
            return false;
        }

        peer.OutHeaderLeft = Frame.Bytes;
        return true;
    }

    /// <summary>Reads from one peer what is there, as far as this rank knows where to put it. True if anything moved.</summary>
    private bool Pull(Peer peer)
    {
        bool moved = false;
        while (true)
        {
            if (peer.IsParked)
            {
                if (!Accept(peer))
                    return moved;
                peer.IsParked = false;
            }
            else if (peer.InHeaderBytes < Frame.Bytes)
            {
                nuint read;
                fixed (Frame* frame = &peer.In)
                    read = peer.Channel.Read((byte*)frame + peer.InHeaderBytes, (nuint)(Frame.Bytes - peer.InHeaderBytes));
                if (read == 0)
                {
                    if (peer.Channel.IsClosed)
                        OnClosed(peer);
                    return moved;
                }

                moved = true;
                peer.InHeaderBytes += (int)read;
                if (peer.InHeaderBytes < Frame.Bytes)
                    continue;
                if (!Accept(peer))
                {
                    peer.IsParked = true;
                    return true;
                }
            }

            while (peer.InLeft > 0)
            {
                nuint read = peer.Channel.Read(peer.InTarget, peer.InLeft);
                if (read == 0)
                {
                    if (peer.Channel.IsClosed)
                        OnClosed(peer);
                    return moved;
                }

                moved = true;
                peer.InTarget += read;
                peer.InLeft -= read;
            }

            peer.InHeaderBytes = 0;
            Finish(peer);
            if (_board.IsRaised)
                return true;
        }
    }

    /// <summary>Finds the place for the payload behind the frame that has come. False: not yet.</summary>
    private bool Accept(Peer peer)
    {
        ref Frame frame = ref peer.In;
        peer.InLeft = 0;
        if (!frame.IsValid)
            return Distrust(peer, "what came is no frame");
        switch (frame.Kind)
        {
            case FrameKind.Part:
                peer.HeardSequence = Math.Max(peer.HeardSequence, frame.Sequence);
                if (!peer.IsExpecting || frame.Sequence != _gate.Sequence)
                    return frame.Sequence < _gate.Sequence && Distrust(peer, $"a part of call {frame.Sequence} came in call {_gate.Sequence}");
                if (frame.Number != peer.NextNumberIn || (nuint)frame.Length > peer.ExpectedCapacity)
                    return Distrust(peer, $"part {frame.Number} of {frame.Length} bytes came in place of part {peer.NextNumberIn} of at most {peer.ExpectedCapacity}");
                SetTarget(peer, peer.ExpectedTarget);
                return true;
            case FrameKind.Message or FrameKind.Request or FrameKind.Grant or FrameKind.Data:
                return AcceptMessage(peer);
            case FrameKind.Abort:
                if (frame.Length > AbortTextBytes)
                    return Distrust(peer, $"an abort with a text of {frame.Length} bytes");
                SetTarget(peer, AbortTextIn(peer));
                return true;
            default:
                return true;
        }
    }

    private void Finish(Peer peer)
    {
        Frame frame = peer.In;
        switch (frame.Kind)
        {
            case FrameKind.Part:
                peer.NextNumberIn++;
                peer.ReceivedBytes = (nuint)frame.Length;
                peer.ExpectedTarget += frame.Length;
                peer.ExpectedCapacity -= (nuint)frame.Length;
                if (++peer.PartsReceived == peer.PartsExpected)
                {
                    peer.IsExpecting = false;
                    _unreceived--;
                }

                break;
            case FrameKind.Message or FrameKind.Data:
                FinishMessage(peer);
                break;
            case FrameKind.Alive:
                peer.HeardSequence = Math.Max(peer.HeardSequence, frame.Sequence);
                peer.WaitsFor = frame.Number;
                peer.ToldWhereItWaits = true;
                break;
            case FrameKind.Abort:
                RaiseAbort(frame, new ReadOnlySpan<byte>(AbortTextIn(peer), (int)frame.Length));
                break;
            case FrameKind.Left:
                peer.HasLeft = true;
                break;
        }
    }

    /// <summary>
    /// The peer has ended its stream, behind a part that this rank has no use for yet: whether it says there why it aborted, or that it left, must not wait for that.
    /// </summary>
    private void LookAhead(Peer peer)
    {
        ReadOnlySpan<byte> rest = peer.Channel.TakeInRest();
        peer.IsWhole = true;
        long next = peer.In.HasPayload ? peer.In.Length : 0;
        bool left = false;
        while (next <= rest.Length - Frame.Bytes)
        {
            Frame frame = MemoryMarshal.Read<Frame>(rest[(int)next..]);
            next += Frame.Bytes;
            if (!frame.IsValid)
                break;
            left |= frame.Kind == FrameKind.Left;
            if (frame.Kind == FrameKind.Abort && frame.Length <= rest.Length - next)
                RaiseAbort(frame, rest.Slice((int)next, (int)frame.Length));
            next += frame.HasPayload ? Math.Min(frame.Length, rest.Length) : 0;
        }

        if (!left && !_board.IsRaised)
            OnClosed(peer);
    }

    private void RaiseAbort(in Frame frame, ReadOnlySpan<byte> text)
    {
        AbortWord word = new(frame.Sequence);
        _board.Raise(word.Why, word.Subject, word.By, Encoding.UTF8.GetString(text));
    }

    private static void SetTarget(Peer peer, byte* target)
    {
        peer.InTarget = target;
        peer.InLeft = (nuint)peer.In.Length;
    }

    /// <summary>The stream from this peer can't be understood: the group is over. Always false.</summary>
    private bool Distrust(Peer peer, string what)
    {
        _board.Raise(AbortWord.Kind.Requested, _board.Rank, _board.Rank, $"the connection with {_board.Members[peer.Rank]} is out of step: {what}");
        return false;
    }

    private void OnClosed(Peer peer)
    {
        if (!peer.HasLeft)
            _board.Raise(peer.Channel.Error is null ? AbortWord.Kind.ProcessEnded : AbortWord.Kind.Unreachable, peer.Rank, _board.Rank, peer.Channel.Error ?? "");
    }
}
