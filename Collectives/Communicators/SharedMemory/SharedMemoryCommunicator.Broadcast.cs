using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    /// <summary>The root stages chunk t+1 while the others copy chunk t. Every chunk waits for every rank, so a root can't lap its readers.</summary>
    public void Broadcast(nint buffer, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        CheckRoot(root);
        Enter(new HostCall(CollectiveKind.Broadcast, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            RunSteps(new BroadcastPlan((byte*)buffer, bytes, root), Steps(bytes, (nuint)_layout.ChunkBytes));
        }
        finally
        {
            Leave();
        }
    }

    private readonly struct BroadcastPlan(byte* buffer, nuint bytes, int root) : IPlan
    {
        public void Stage(SharedMemoryCommunicator self, nuint step, byte* staging)
        {
            nuint capacity = (nuint)self._layout.ChunkBytes;
            if (self._rank == root)
                Copy(buffer + (step * capacity), staging, Piece(bytes, step, capacity));
        }

        public void Collect(SharedMemoryCommunicator self, nuint step, int parity)
        {
            nuint capacity = (nuint)self._layout.ChunkBytes;
            if (self._rank != root)
                Copy(self.Staging(root, parity), buffer + (step * capacity), Piece(bytes, step, capacity));
        }
    }
}
