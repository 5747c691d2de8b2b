namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    private readonly struct BroadcastWholePlan(byte* buffer, nuint bytes, int root) : IPlan
    {
        public static bool SameToAll => true;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => self._rank == root ? bytes : 0;

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => peer == root ? bytes : 0;

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to) => Copy(buffer, to, bytes);

        public void Collect(MpiHostCommunicator self, nuint step)
        {
            if (self._rank != root)
                Copy(self.Received(root), buffer, bytes);
        }
    }

    /// <summary>
    /// The root sends each rank the part of a chunk that it owns, and each owner passes its part on to all: nobody sends more than a chunk for a chunk. As in
    /// <see cref="ReduceByOwnersPlan"/> a message holds a part of chunk t and the sender's own of chunk t-2.
    /// </summary>
    private readonly struct BroadcastByOwnersPlan(byte* buffer, nuint bytes, int root) : IPlan
    {
        internal const int Lag = 2;

        public static bool SameToAll => false;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => PartBytes(self, step, self._rank, peer) + OwnBytes(self, step, self._rank, peer);

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => PartBytes(self, step, peer, self._rank) + OwnBytes(self, step, peer, self._rank);

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to)
        {
            nuint part = PartBytes(self, step, self._rank, peer);
            if (part > 0)
                Copy(buffer + self.OwnedPart(step, bytes, peer).Start, to, part);
            if (OwnBytes(self, step, self._rank, peer) is > 0 and var own)
                Copy(buffer + self.OwnedPart(step - Lag, bytes, self._rank).Start, to + part, own);
        }

        public void Collect(MpiHostCommunicator self, nuint step)
        {
            for (int rank = 0; self._rank != root && rank < self._members.Length; rank++)
            {
                if (rank == self._rank)
                    continue;
                nuint part = PartBytes(self, step, rank, self._rank);
                if (part > 0)
                    Copy(self.Received(rank), buffer + self.OwnedPart(step, bytes, self._rank).Start, part);
                if (OwnBytes(self, step, rank, self._rank) is > 0 and var own)
                    Copy(self.Received(rank) + part, buffer + self.OwnedPart(step - Lag, bytes, rank).Start, own);
            }
        }

        private nuint PartBytes(MpiHostCommunicator self, nuint step, int from, int to) => from == root ? self.OwnedPart(step, bytes, to).Length : 0;

        private nuint OwnBytes(MpiHostCommunicator self, nuint step, int from, int to) => to != root && step >= Lag ? self.OwnedPart(step - Lag, bytes, from).Length : 0;
    }

    private readonly struct AllGatherPlan(byte* input, byte* output) : IPlan
    {
        public static bool SameToAll => true;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => self.Piece(self._lengths[self._rank], step);

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => self.Piece(self._lengths[peer], step);

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to) => Copy(input + (step * self._unit), to, SendBytes(self, step, peer));

        public void Collect(MpiHostCommunicator self, nuint step)
        {
            byte* to = output + (step * self._unit);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                Copy(rank == self._rank ? input + (step * self._unit) : self.Received(rank), to, self.Piece(self._lengths[rank], step));
                to += self._lengths[rank];
            }
        }
    }

    private readonly struct GatherPlan(byte* input, byte* output, int root) : IPlan
    {
        public static bool SameToAll => false;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => peer == root ? self.Piece(self._lengths[self._rank], step) : 0;

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => self._rank == root ? self.Piece(self._lengths[peer], step) : 0;

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to) => Copy(input + (step * self._unit), to, SendBytes(self, step, peer));

        public void Collect(MpiHostCommunicator self, nuint step)
        {
            if (self._rank == root)
                new AllGatherPlan(input, output).Collect(self, step);
        }
    }

    private readonly struct ScatterPlan(byte* input, byte* output, nuint bytes, int root) : IPlan
    {
        public static bool SameToAll => false;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => self._rank == root ? self.Piece(bytes, step) : 0;

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => peer == root ? self.Piece(bytes, step) : 0;

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to) => Copy(input + ((nuint)peer * bytes) + (step * self._unit), to, self.Piece(bytes, step));

        public void Collect(MpiHostCommunicator self, nuint step)
        {
            byte* from = self._rank == root ? input + ((nuint)root * bytes) + (step * self._unit) : self.Received(root);
            Copy(from, output + (step * self._unit), self.Piece(bytes, step));
        }
    }

    /// <summary>In place works when all parts have one length: a step writes exactly the pieces that it has staged before.</summary>
    private readonly struct AllToAllPlan(byte* input, byte* output) : IPlan
    {
        public static bool SameToAll => false;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => self.Piece(self._sendLengths[peer], step);

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => self.Piece(self._lengths[peer], step);

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to) =>
            Copy(input + StartOf(self._sendLengths, peer) + (step * self._unit), to, SendBytes(self, step, peer));

        public void Collect(MpiHostCommunicator self, nuint step)
        {
            byte* own = input + StartOf(self._sendLengths, self._rank) + (step * self._unit);
            byte* to = output + (step * self._unit);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                Copy(rank == self._rank ? own : self.Received(rank), to, self.Piece(self._lengths[rank], step));
                to += self._lengths[rank];
            }
        }
    }

    /// <summary>The lengths that this rank sends, then those that it expects.</summary>
    private readonly struct LengthsPlan : IPlan
    {
        public static bool SameToAll => true;

        public nuint SendBytes(MpiHostCommunicator self, nuint step, int peer) => 2 * (nuint)self._members.Length * (nuint)sizeof(nuint);

        public nuint ReceiveBytes(MpiHostCommunicator self, nuint step, int peer) => SendBytes(self, step, peer);

        public void Stage(MpiHostCommunicator self, nuint step, int peer, byte* to)
        {
            int ranks = self._members.Length;
            self._sendLengths.AsSpan().CopyTo(new Span<nuint>(to, ranks));
            self._lengths.AsSpan().CopyTo(new Span<nuint>(to, 2 * ranks)[ranks..]);
        }

        public void Collect(MpiHostCommunicator self, nuint step)
        {
        }
    }
}
