using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    private static nuint Before(nuint[] lengths, int rank)
    {
        nuint sum = 0;
        for (int i = 0; i < rank; i++)
            sum += lengths[i];
        return sum;
    }

    /// <summary>A rank's output is outside of its input, or holds it where it stays.</summary>
    private readonly struct AllGatherPlan(byte* input, byte* output) : IPlan
    {
        public byte* Input(SharedMemoryCommunicator self) => self._lengths[self._rank] == 0 ? null : input;

        public void Stage(SharedMemoryCommunicator self, nuint step) =>
            Copy(input + (step * self._capacity), self.Shown(self._rank), Piece(self._lengths[self._rank], step, self._capacity));

        public void CopyOwn(SharedMemoryCommunicator self, nuint step)
        {
            nuint start = step * self._capacity;
            self.Deliver(input + start, output + Before(self._lengths, self._rank) + start, Piece(self._lengths[self._rank], step, self._capacity));
        }

        public void Collect(SharedMemoryCommunicator self, nuint step)
        {
            byte* to = output + (step * self._capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                if (rank != self._rank)
                    self.Deliver(self.PartFrom(rank, step, parted: false), to, Piece(self._lengths[rank], step, self._capacity));
                to += self._lengths[rank];
            }
        }
    }

    private readonly struct GatherPlan(byte* input, byte* output, int root) : IPlan
    {
        public byte* Input(SharedMemoryCommunicator self) => self._rank == root ? null : input;

        public void Stage(SharedMemoryCommunicator self, nuint step)
        {
            if (self._rank != root)
                new AllGatherPlan(input, output).Stage(self, step);
        }

        public void CopyOwn(SharedMemoryCommunicator self, nuint step)
        {
            if (self._rank == root)
                new AllGatherPlan(input, output).CopyOwn(self, step);
        }

        public void Collect(SharedMemoryCommunicator self, nuint step)
        {
            if (self._rank == root)
                new AllGatherPlan(input, output).Collect(self, step);
        }
    }

    private readonly struct ScatterPlan(byte* input, byte* output, nuint bytes, int root) : IPlan
    {
        public byte* Input(SharedMemoryCommunicator self) => self._rank == root ? input : null;

        public void Stage(SharedMemoryCommunicator self, nuint step)
        {
            if (self._rank != root)
                return;
            nuint start = step * self._capacity, piece = Piece(bytes, step, self._capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                if (rank != root)
                    Copy(input + ((nuint)rank * bytes) + start, self.ShownPart(self._rank, rank), piece);
            }
        }

        public void CopyOwn(SharedMemoryCommunicator self, nuint step)
        {
            nuint start = step * self._capacity;
            if (self._rank == root)
                self.Deliver(input + ((nuint)root * bytes) + start, output + start, Piece(bytes, step, self._capacity));
        }

        public void Collect(SharedMemoryCommunicator self, nuint step)
        {
            if (self._rank != root)
                self.Deliver(self.PartFrom(root, step, parted: true), output + (step * self._capacity), Piece(bytes, step, self._capacity));
        }
    }

    /// <summary>
    /// In place works when all parts have one length: a step writes exactly the pieces that it has staged before, and the own part stays where it is. So it has to stage them: the input does not stay.
    /// </summary>
    private readonly struct AllToAllPlan(byte* input, byte* output) : IPlan
    {
        public byte* Input(SharedMemoryCommunicator self) => input;

        public void Stage(SharedMemoryCommunicator self, nuint step)
        {
            byte* from = input + (step * self._capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                if (rank != self._rank)
                    Copy(from, self.ShownPart(self._rank, rank), Piece(self._sendLengths[rank], step, self._capacity));
                from += self._sendLengths[rank];
            }
        }

        public void CopyOwn(SharedMemoryCommunicator self, nuint step)
        {
            nuint start = step * self._capacity;
            self.Deliver(input + Before(self._sendLengths, self._rank) + start, output + Before(self._lengths, self._rank) + start, Piece(self._lengths[self._rank], step, self._capacity));
        }

        public void Collect(SharedMemoryCommunicator self, nuint step)
        {
            byte* to = output + (step * self._capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                if (rank != self._rank)
                    self.Deliver(self.PartFrom(rank, step, parted: true), to, Piece(self._lengths[rank], step, self._capacity));
                to += self._lengths[rank];
            }
        }
    }

    /// <summary>The own input is read where it lies; in place, each element of it before the result takes its place. No other rank reads that part.</summary>
    private readonly struct ReduceScatterPlan(byte* input, byte* output, DataType type, ReduceOp op) : IPlan
    {
        public byte* Input(SharedMemoryCommunicator self) => input;

        public void Stage(SharedMemoryCommunicator self, nuint step)
        {
            byte* from = input + (step * self._capacity);
            for (int rank = 0; rank < self._members.Length; rank++)
            {
                if (rank != self._rank)
                    Copy(from, self.ShownPart(self._rank, rank), Piece(self._lengths[rank], step, self._capacity));
                from += self._lengths[rank];
            }
        }

        public void CopyOwn(SharedMemoryCommunicator self, nuint step)
        {
        }

        public void Collect(SharedMemoryCommunicator self, nuint step)
        {
            nuint start = step * self._capacity, piece = Piece(self._lengths[self._rank], step, self._capacity);
            if (piece == 0)
                return;
            byte* own = input + Before(self._lengths, self._rank) + start;
            for (int rank = 0; rank < self._members.Length; rank++)
                self._sources[rank] = (nint)(rank == self._rank ? own : self.PartFrom(rank, step, parted: true));
            self._reduction.Reduce(type, op, self._sources, (nint)(output + start), piece / (nuint)type.SizeInBytes());
        }
    }
}
