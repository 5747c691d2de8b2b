using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class SharedMemoryCommunicator
{
    /// <summary>
    /// The root stages chunk t+1 while the others copy chunk t: a staging area is written again two chunks later, behind a phase that the readers publish
    /// after their copy. Every chunk waits for every rank, so a root can't lap its readers.
    /// </summary>
    public void Broadcast(nint buffer, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(root);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Broadcast, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            nuint done = 0;
            do
            {
                nuint part = Math.Min(bytes - done, (nuint)_layout.ChunkBytes);
                byte* staging = Staging(root, NextStagingParity());
                if (_rank == root)
                    Buffer.MemoryCopy((byte*)buffer + done, staging, part, part);
                if (done == 0)
                    FirstPhase();
                else
                    NextPhase();
                if (_rank != root)
                    Buffer.MemoryCopy(staging, (byte*)buffer + done, part, part);
                done += part;
            }
            while (done < bytes);
        }
        finally
        {
            Leave();
        }
    }
}
