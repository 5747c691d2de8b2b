using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    private const int ClearanceRequest = 2;

    private static nuint PiecesOf(nuint bytes) => (bytes + MessageBuffers.PieceBytes - 1) / MessageBuffers.PieceBytes;

    private static nuint PieceOf(nuint bytes, nuint index) => Math.Min(MessageBuffers.PieceBytes, bytes - (index * MessageBuffers.PieceBytes));

    /// <summary>
    /// One message on its way out. A short one is copied into a slot and is done. A long one announces itself by its header, waits until a receive has taken that, and then
    /// sends its pieces: so there is never more than one row of pieces between two ranks, and they need no names.
    /// </summary>
    private struct SendState(byte* buffer, nuint count, DataType type, int destination, int tag)
    {
        private readonly nuint _bytes = count * (nuint)type.SizeInBytes();
        private nuint _posted;
        private bool _announced;
        private bool _cleared;

        private readonly bool IsLong => _bytes > HostMessage.EagerBytes;

        internal bool Advance(MpiHostCommunicator self)
        {
            if (!_announced && !Announce(self))
                return false;
            if (!IsLong)
                return true;
            MessageBuffers memory = self._messages;
            if (!_cleared && !(_cleared = memory.Receives.Test(ClearanceRequest)))
                return false;
            while (_posted < PiecesOf(_bytes) && memory.Sends.Test((int)(_posted & 1)))
            {
                nuint piece = PieceOf(_bytes, _posted);
                Copy(buffer + (_posted * MessageBuffers.PieceBytes), memory.OutPiece(_posted), piece);
                memory.Sends.Send((int)(_posted & 1), memory.OutPiece(_posted), piece, self._members[destination].Rank, self._tags.Bulk);
                _posted++;
            }

            return _posted == PiecesOf(_bytes) && memory.Sends.TestAll();
        }

        /// <summary>A short message waits for a slot when very many are unread; then too it is the receiver who has to act.</summary>
        internal readonly int Missing(MpiHostCommunicator self, out bool left)
        {
            left = !_cleared && self._control.Left(destination);
            return destination;
        }

        private bool Announce(MpiHostCommunicator self)
        {
            MessageBuffers memory = self._messages;
            int slot = memory.Slots.TryTake();
            if (slot < 0)
                return false;
            byte* message = memory.Slots.Buffer(slot);
            *(MpiMessageHeader*)message = new MpiMessageHeader { Generation = self._generation, Count = count, Tag = tag, Type = (byte)type, IsLong = IsLong ? (byte)1 : (byte)0 };
            if (!IsLong)
                Copy(buffer, message + MpiMessageHeader.Bytes, _bytes);
            else
                memory.Receives.Receive(ClearanceRequest, memory.Clearance, sizeof(long), self._members[destination].Rank, self._tags.Clear);
            memory.Slots.Requests.Send(slot, message, MpiMessageHeader.Bytes + (IsLong ? 0 : _bytes), self._members[destination].Rank, self._tags.Message);
            memory.Sent[destination]++;
            return _announced = true;
        }
    }

    /// <summary>One message on its way in.</summary>
    private struct ReceiveState(byte* buffer, nuint capacity, DataType type, int source, int tag)
    {
        private nuint _bytes;
        private nuint _posted;
        private nuint _collected;
        private bool _matched;
        private bool _clears;

        /// <summary>The sender's rank in the group.</summary>
        internal int From { get; private set; }

        internal int GotTag { get; private set; }

        internal nuint GotCount { get; private set; }

        /// <summary>Why the message does not fit.</summary>
        internal string? Objection { get; private set; }

        internal bool Advance(MpiHostCommunicator self)
        {
            MessageBuffers memory = self._messages;
            if (!_matched && !Match(self))
                return false;
            if (_clears && !Clear(self))
                return false;
            while (_collected < PiecesOf(_bytes))
            {
                if (!memory.Receives.Test((int)(_collected & 1)))
                    return false;
                Copy(memory.InPiece(_collected), buffer + (_collected * MessageBuffers.PieceBytes), PieceOf(_bytes, _collected));
                _collected++;
                Post(self);
            }

            return true;
        }

        internal readonly int Missing(MpiHostCommunicator self, out bool left)
        {
            if (_matched || source != HostMessage.Any)
            {
                left = !_matched && HasNoMore(self, source);
                return _matched ? From : source;
            }

            // Any rank may still send, as long as one is there.
            left = true;
            int missing = -1;
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                if (rank == self._rank)
                    continue;
                bool gone = HasNoMore(self, rank);
                if (missing < 0 || (left && !gone))
                    missing = rank;
                left &= gone;
            }

            return missing;
        }

        /// <summary>It has left, and all that it had sent before has come: MPI keeps the order within a tag, not between a message's and a farewell's.</summary>
        private static bool HasNoMore(MpiHostCommunicator self, int rank) => self._control.Left(rank) && self._messages.Taken[rank] >= self._control.SentMessages(rank);

        private bool Match(MpiHostCommunicator self)
        {
            MessageBuffers memory = self._messages;
            memory.Arrivals.Pump(self._tags.Message, self._generation, self._countTaken);
            MpiArrivals.Node* node = memory.Arrivals.Take(self.WorldRank(source), tag);
            if (node is null)
                return false;
            _matched = true;
            From = self.GroupRank(node->Source);
            (GotTag, GotCount) = (node->Header.Tag, (nuint)node->Header.Count);
            DataType sent = (DataType)node->Header.Type;
            nuint bytes = GotCount * (nuint)type.SizeInBytes();
            if (sent != type || GotCount > capacity)
                Objection = $"{self._members[From]} sent {GotCount} × {sent} with tag {GotTag}; {self._members[self._rank]} has room for {capacity} × {type}.";
            else if (node->Header.IsLong == 0)
                Copy(MpiArrivals.Node.Payload(node), buffer, bytes);
            else
                (_bytes, _clears) = (bytes, true);
            MpiArrivals.Free(node);
            return true;
        }

        /// <summary>First the receives, then the word that sets the sender off.</summary>
        private bool Clear(MpiHostCommunicator self)
        {
            int slot = self._messages.Slots.TryTake();
            if (slot < 0)
                return false;
            Post(self);
            Post(self);
            *(long*)self._messages.Slots.Buffer(slot) = self._generation;
            self._messages.Slots.Requests.Send(slot, self._messages.Slots.Buffer(slot), sizeof(long), self._members[From].Rank, self._tags.Clear);
            _clears = false;
            return true;
        }

        private void Post(MpiHostCommunicator self)
        {
            if (_posted == PiecesOf(_bytes))
                return;
            self._messages.Receives.Receive((int)(_posted & 1), self._messages.InPiece(_posted), PieceOf(_bytes, _posted), self._members[From].Rank, self._tags.Bulk);
            _posted++;
        }
    }
}
