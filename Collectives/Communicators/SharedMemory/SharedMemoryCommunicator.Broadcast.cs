using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    /// <summary>The root stages chunk t+1 while the others copy chunk t. Every chunk waits for every rank, so a root can't lap its readers.</summary>
    public void Broadcast(nint buffer, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Broadcast, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            Array.Clear(_starts);
            RunSteps(new BroadcastPlan((byte*)buffer, bytes, root), bytes, parted: false);
        }
        finally
        {
            Leave();
        }
    }

    private readonly struct BroadcastPlan(byte* buffer, nuint bytes, int root) : IPlan
    {
        public byte* Input(SharedMemoryCommunicator self) => self._rank == root ? buffer : null;

        public void Stage(SharedMemoryCommunicator self, nuint step)
        {
            if (self._rank == root)
                Copy(buffer + (step * self._capacity), self.Shown(self._rank), Piece(bytes, step, self._capacity));
        }

        public void CopyOwn(SharedMemoryCommunicator self, nuint step)
        {
        }

        public void Collect(SharedMemoryCommunicator self, nuint step)
        {
            if (self._rank != root)
                Copy(self.PartFrom(root, step, parted: false), buffer + (step * self._capacity), Piece(bytes, step, self._capacity));
        }
    }
}
