using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The shape of a launch: follows from count and type alone, so that all ranks have the same.</summary>
internal readonly record struct PeerLaunch(int Blocks, int Threads)
{
    internal const int PacketBytes = 16;

    /// <summary>Small blocks are a little faster up to 1 MiB (H100): more of them share the work of a small message.</summary>
    private const int FewThreads = 128;
    private const int ManyThreads = 512;

    internal static nuint Packets(nuint count, DataType type)
    {
        nuint inPacket = PacketBytes / (nuint)type.SizeInBytes();
        return (count / inPacket) + (count % inPacket == 0 ? 0u : 1u);
    }

    /// <summary>One packet for each thread, as far as that goes.</summary>
    /// <param name="packets">At least one.</param>
    /// <param name="mostBlocks">One for each multiprocessor of this rank's share of the device: all of them run at once.</param>
    internal static PeerLaunch For(nuint packets, int mostBlocks)
    {
        int threads = FewThreads;
        while (threads < ManyThreads && (nuint)mostBlocks * (nuint)threads < packets)
            threads *= 2;
        return new((int)Math.Min((nuint)mostBlocks, (packets + (nuint)threads - 1) / (nuint)threads), threads);
    }
}
