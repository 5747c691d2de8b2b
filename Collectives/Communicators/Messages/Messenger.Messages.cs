using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class Messenger
{
    /// <summary>Up to this many bytes a message travels at once; a longer one is announced, and travels when its receiver has asked for it.</summary>
    private const int ShortBytes = 32 << 10;

    /// <summary>How much may lie here unasked for; beyond it nothing more is read from whoever sends it, who then waits.</summary>
    private const long MaxUnexpectedBytes = 64 << 20;

    // As many from the start as a well-behaved program needs, so that its receives allocate nothing.
    private const int SpareMessages = 64;

    private readonly List<UnexpectedMessage> _unexpected = new(SpareMessages);
    private readonly Stack<UnexpectedMessage> _spareMessages = new(Enumerable.Range(0, SpareMessages).Select(_ => new UnexpectedMessage()));
    private long _unexpectedBytes;
    private long _lastMessageId;
    private PendingSend _send;
    private PendingReceive _receive;

    private struct PendingSend
    {
        internal bool IsActive;
        internal int Destination;
        internal byte* Data;
        internal long Bytes;
        internal long Id;

        /// <summary>Announced, and not asked for yet.</summary>
        internal bool AwaitsGrant;
    }

    private struct PendingReceive
    {
        internal bool IsActive;
        internal int Source;
        internal int Tag;
        internal DataType Type;
        internal byte* Data;
        internal nuint Capacity;
        internal bool IsMatched;

        /// <summary>Of the message that matches; its data may still be on the way.</summary>
        internal int From;
        internal Frame Frame;
        internal UnexpectedMessage? Kept;
    }

    internal void Send(nint buffer, nuint count, DataType type, int destination, int tag, HostCallOptions options)
    {
        _gate.Enter(HostCall.Message(CollectiveKind.Send, type, count, destination, tag), options);
        try
        {
            BeginSend(buffer, count, type, destination, tag);
            WaitFor(Goal.MessageOut);
        }
        finally
        {
            EndMessages();
        }
    }

    internal HostMessage Receive(nint buffer, nuint capacity, DataType type, int source, int tag, HostCallOptions options)
    {
        _gate.Enter(HostCall.Message(CollectiveKind.Receive, type, capacity, source, tag), options);
        try
        {
            BeginReceive(buffer, capacity, type, source, tag);
            WaitFor(Goal.MessageIn);
            return Received(type);
        }
        finally
        {
            EndMessages();
        }
    }

    internal HostMessage SendReceive(nint sendBuffer, nuint sendCount, int destination, int sendTag, nint receiveBuffer, nuint receiveCapacity, int source, int receiveTag, DataType type, HostCallOptions options)
    {
        _gate.Enter(HostCall.Message(CollectiveKind.SendReceive, type, sendCount, destination, sendTag), options);
        try
        {
            BeginReceive(receiveBuffer, receiveCapacity, type, source, receiveTag);
            BeginSend(sendBuffer, sendCount, type, destination, sendTag);
            WaitFor(Goal.MessagesBoth);
            return Received(type);
        }
        finally
        {
            EndMessages();
        }
    }

    private HostMessage Received(DataType type) => new(_receive.From, _receive.Frame.Number, (nuint)_receive.Frame.Length / (nuint)type.SizeInBytes());

    private void EndMessages()
    {
        _send.IsActive = false;
        _receive.IsActive = false;
        EndCall();
    }

    private void BeginSend(nint buffer, nuint count, DataType type, int destination, int tag)
    {
        long bytes = checked((long)count * type.SizeInBytes());
        bool isShort = bytes <= ShortBytes;
        _send = new PendingSend { IsActive = true, Destination = destination, Data = (byte*)buffer, Bytes = bytes, Id = ++_lastMessageId, AwaitsGrant = !isShort };
        Post(_peers[destination]!, Frame.Of(isShort ? FrameKind.Message : FrameKind.Request, _send.Id, tag, bytes, (byte)type), (byte*)buffer);
    }

    /// <summary>A send is done when its last byte is in the channel.</summary>
    private void AdvanceSend()
    {
        if (_send is { IsActive: true, AwaitsGrant: false } && IsReached(Goal.PartTo, _send.Destination))
            _send.IsActive = false;
    }

    private void BeginReceive(nint buffer, nuint capacity, DataType type, int source, int tag)
    {
        _receive = new PendingReceive { IsActive = true, Source = source, Tag = tag, Type = type, Data = (byte*)buffer, Capacity = capacity * (nuint)type.SizeInBytes() };
        for (int i = 0; i < _unexpected.Count; i++)
        {
            UnexpectedMessage message = _unexpected[i];
            if (!Matches(message.Source, message.Frame) || !Match(message.Source, message.Frame))
                continue;
            _unexpected.RemoveAt(i);
            if (message.IsShort)
            {
                _receive.Kept = message;
                if (message.IsComplete)
                    TakeKept();
            }
            else
            {
                _spareMessages.Push(message);
                Grant(_peers[message.Source]!, message.Frame.Sequence);
            }

            return;
        }
    }

    private bool Matches(int source, in Frame frame) => _receive is { IsActive: true, IsMatched: false }
        && (_receive.Source == HostMessage.Any || _receive.Source == source) && (_receive.Tag == HostMessage.Any || _receive.Tag == frame.Number);

    /// <summary>False, with the group at its end, if the message is not of the kind that the receive takes.</summary>
    private bool Match(int source, in Frame frame)
    {
        if ((DataType)frame.Type != _receive.Type || (nuint)frame.Length > _receive.Capacity)
        {
            DataType type = (DataType)frame.Type;
            string sent = Enum.IsDefined(type) ? $"{frame.Length / type.SizeInBytes()} × {type}" : $"{frame.Length} bytes of type {frame.Type}";
            _board.Raise(AbortWord.Kind.Mismatch, source, _board.Rank, $"rank {_board.Members[source].Rank} sent {sent} with tag {frame.Number}, rank {_board.Members[_board.Rank].Rank} receives at most {_receive.Capacity / (nuint)_receive.Type.SizeInBytes()} × {_receive.Type}.");
            return false;
        }

        _receive.IsMatched = true;
        _receive.From = source;
        _receive.Frame = frame;
        return true;
    }

    private bool AcceptMessage(Peer peer)
    {
        Frame frame = peer.In;
        switch (frame.Kind)
        {
            case FrameKind.Grant:
                if (!_send.IsActive || !_send.AwaitsGrant || _send.Destination != peer.Rank || _send.Id != frame.Sequence || _send.Bytes != frame.Length)
                    return Distrust(peer, $"it asks for message {frame.Sequence}, which was not announced");
                _send.AwaitsGrant = false;
                Post(peer, Frame.Of(FrameKind.Data, _send.Id, 0, frame.Length), _send.Data);
                return true;
            case FrameKind.Data:
                if (!_receive.IsActive || !_receive.IsMatched || _receive.From != peer.Rank || _receive.Frame.Sequence != frame.Sequence || _receive.Frame.Length != frame.Length)
                    return Distrust(peer, $"message {frame.Sequence} came unasked");
                SetTarget(peer, _receive.Data);
                return true;
            case FrameKind.Message when frame.Length > ShortBytes:
                return Distrust(peer, $"a message of {frame.Length} bytes came unannounced");
        }

        if (Matches(peer.Rank, frame))
        {
            if (!Match(peer.Rank, frame))
                return false;
            if (frame.Kind == FrameKind.Message)
                SetTarget(peer, _receive.Data);
            else
                Grant(peer, frame.Sequence);
            return true;
        }

        if (frame.Kind == FrameKind.Message && _unexpectedBytes + frame.Length > MaxUnexpectedBytes)
            return false;
        UnexpectedMessage message = _spareMessages.TryPop(out UnexpectedMessage? spare) ? spare : new UnexpectedMessage();
        message.Begin(peer.Rank, frame);
        _unexpected.Add(message);
        if (frame.Kind == FrameKind.Message)
        {
            _unexpectedBytes += frame.Length;
            peer.InMessage = message;
            SetTarget(peer, message.Data);
        }

        return true;
    }

    private void FinishMessage(Peer peer)
    {
        if (peer.InMessage is { } message)
        {
            peer.InMessage = null;
            message.IsComplete = true;
            if (_receive.Kept == message)
                TakeKept();
        }
        else
        {
            _receive.IsActive = false;
        }
    }

    private void TakeKept()
    {
        UnexpectedMessage message = _receive.Kept!;
        Buffer.MemoryCopy(message.Data, _receive.Data, (long)_receive.Capacity, message.Frame.Length);
        _unexpectedBytes -= message.Frame.Length;
        _spareMessages.Push(message);
        _receive.Kept = null;
        _receive.IsActive = false;
    }

    private void Grant(Peer peer, long id)
    {
        if (!peer.TryQueueControl(Frame.Of(FrameKind.Grant, id, 0, _receive.Frame.Length)))
            Distrust(peer, "it does not take what it is sent");
    }
}
