using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    private readonly MessageBuffers _messages;
    private readonly Action<int> _countTaken;
    private readonly Dictionary<int, int> _groupRanks;
    private SendState _send;
    private ReceiveState _receive;

    public void Send(nint buffer, nuint count, DataType type, int destination, int tag, HostCallOptions options = default)
    {
        CheckPeer(destination, tag, nameof(destination));
        EnterMessage(new MessageCall(nameof(Send), type, count, _members[destination].Rank, tag), options);
        try
        {
            _send = new SendState((byte*)buffer, count, type, destination, tag);
            SendDone done = default;
            Wait(ref done);
            KeepMoving();
        }
        finally
        {
            Leave();
        }
    }

    public HostMessage Receive(nint buffer, nuint capacity, DataType type, int source, int tag, HostCallOptions options = default)
    {
        CheckSource(source, tag);
        EnterMessage(new MessageCall(nameof(Receive), type, capacity, WorldRank(source), tag), options);
        try
        {
            _receive = new ReceiveState((byte*)buffer, capacity, type, source, tag);
            ReceiveDone done = default;
            Wait(ref done);
            return CheckReceived();
        }
        finally
        {
            Leave();
        }
    }

    public HostMessage SendReceive(nint sendBuffer, nuint sendCount, int destination, int sendTag, nint receiveBuffer, nuint receiveCapacity, int source, int receiveTag, DataType type, HostCallOptions options = default)
    {
        CheckPeer(destination, sendTag, nameof(destination));
        CheckSource(source, receiveTag);
        EnterMessage(new MessageCall(nameof(SendReceive), type, sendCount, _members[destination].Rank, sendTag), options);
        try
        {
            _send = new SendState((byte*)sendBuffer, sendCount, type, destination, sendTag);
            _receive = new ReceiveState((byte*)receiveBuffer, receiveCapacity, type, source, receiveTag);
            BothDone done = default;
            Wait(ref done);
            KeepMoving();
            return CheckReceived();
        }
        finally
        {
            Leave();
        }
    }

    private void EnterMessage(MessageCall call, HostCallOptions options)
    {
        Begin(options);
        _messageCall = call;
        ThrowIfFaulted();
    }

    private int WorldRank(int rank) => rank == HostMessage.Any ? HostMessage.Any : _members[rank].Rank;

    private int GroupRank(int worldRank) => _groupRanks[worldRank];

    private void CheckPeer(int destination, int tag, string name)
    {
        if ((uint)destination >= (uint)_members.Length || destination == _rank)
            throw new ArgumentOutOfRangeException(name, destination, $"A rank in the group, 0 to {_members.Length - 1}, other than this one ({_rank}).");
        ArgumentOutOfRangeException.ThrowIfNegative(tag);
    }

    private void CheckSource(int source, int tag)
    {
        if (source != HostMessage.Any)
            CheckPeer(source, Math.Max(tag, 0), nameof(source));
        ArgumentOutOfRangeException.ThrowIfLessThan(tag, HostMessage.Any);
    }

    /// <summary>What MPI has not taken over yet needs calls of MPI, which this rank may not make for long.</summary>
    private void KeepMoving()
    {
        lock (MpiRuntime.Lock)
        {
            if (!_messages.Slots.Progress())
                MpiProgress.Watch(_messages.Slots);
        }
    }

    /// <summary>A message that does not fit ends the group: its sender believes it delivered.</summary>
    private HostMessage CheckReceived()
    {
        if (_receive.Objection is { } objection)
        {
            Raise(new MpiCause(AbortWord.Kind.Mismatch, _rank, _rank, objection));
            throw CreateFault(_cause!);
        }

        return new HostMessage(_receive.From, _receive.GotTag, _receive.GotCount);
    }

    private struct SendDone : ICondition
    {
        public readonly bool IsMet(MpiHostCommunicator self) => self._send.Advance(self);

        public readonly int Missing(MpiHostCommunicator self, out bool left) => self._send.Missing(self, out left);
    }

    private struct ReceiveDone : ICondition
    {
        public readonly bool IsMet(MpiHostCommunicator self) => self._receive.Advance(self);

        public readonly int Missing(MpiHostCommunicator self, out bool left) => self._receive.Missing(self, out left);
    }

    private struct BothDone : ICondition
    {
        public readonly bool IsMet(MpiHostCommunicator self) => self._send.Advance(self) & self._receive.Advance(self);

        public readonly int Missing(MpiHostCommunicator self, out bool left)
        {
            if (self._send.Advance(self))
                return self._receive.Missing(self, out left);
            int missing = self._send.Missing(self, out left);
            return left || self._receive.Advance(self) ? missing : self._receive.Missing(self, out left);
        }
    }

    /// <summary>Native memory and requests of messages. Pieces of long ones lie in two buffers in turn, on each side.</summary>
    private sealed class MessageBuffers : IDisposable
    {
        /// <summary>Of a long message.</summary>
        internal const int PieceBytes = 128 << 10;

        private byte* _pieces;

        internal MessageBuffers(int ranks)
        {
            Sent = new long[ranks];
            Taken = new long[ranks];
        }

        internal MpiSendSlots Slots { get; } = new(MpiMessageHeader.Bytes + HostMessage.EagerBytes);

        internal MpiArrivals Arrivals { get; } = new();

        /// <summary>How many messages went to each rank, and how many came.</summary>
        internal long[] Sent { get; }

        internal long[] Taken { get; }

        /// <summary>Of the receiver: two pieces. Of the sender: the receiver's clearance.</summary>
        internal MpiRequests Receives { get; } = new(3);

        /// <summary>Of the sender: two pieces.</summary>
        internal MpiRequests Sends { get; } = new(2);

        internal byte* OutPiece(nuint index) => Pieces + ((index & 1) * PieceBytes);

        internal byte* InPiece(nuint index) => Pieces + ((2 + (index & 1)) * PieceBytes);

        internal long* Clearance => (long*)(Pieces + (4 * PieceBytes));

        private byte* Pieces => _pieces is not null ? _pieces : _pieces = (byte*)NativeMemory.AlignedAlloc((4 * PieceBytes) + 64, 4096);

        internal bool TryCancel() => Receives.TryCancelReceives(3) & Arrivals.TryCancel() & Sends.TestAll();

        public void Dispose()
        {
            MpiProgress.Adopt(Slots);
            Arrivals.Dispose();
            Receives.Dispose();
            Sends.Dispose();
            NativeMemory.AlignedFree(_pieces);
        }
    }
}
