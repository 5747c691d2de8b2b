using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The shape of a launch: follows from count and type alone, so that all ranks have the same.</summary>
/// <param name="Blocks">Of the grid.</param>
/// <param name="Threads">Of a block.</param>
/// <param name="ClusterBlocks">Of a cluster: no part of the protocol.</param>
internal readonly record struct PeerLaunch(int Blocks, int Threads, int ClusterBlocks = 1)
{
    /// <summary>What is pushed at once.</summary>
    internal const int CellBytes = 16;

    /// <summary>MAX_BLOCKS of arena.cuh.</summary>
    internal const int MostBlocks = 256;

    /// <summary>Of the windowed two-shot: contributions and results.</summary>
    internal const int WindowedRings = 2;

    /// <summary>Of the registered one, whose results go to the outputs.</summary>
    internal const int RegisteredRings = 1;

    /// <summary>RING of ring.cuh: a ring's places.</summary>
    private const int Ring = 4;

    private const int MostThreads = 512;

    /// <summary>Small blocks are a little faster while there are few.</summary>
    private const int SmallBlocks = 64;

    /// <summary>Of data: integers and doubles travel with flags, which are half of it.</summary>
    internal static int DataInCell(DataType type) => type is DataType.Float32 or DataType.Float16 or DataType.BFloat16 or DataType.Float8E4M3 or DataType.Float8E5M2 ? CellBytes : CellBytes / 2;

    internal static nuint Cells(nuint count, DataType type)
    {
        nuint inCell = (nuint)(DataInCell(type) / type.SizeInBytes());
        return (count / inCell) + (count % inCell == 0 ? 0u : 1u);
    }

    /// <summary>Of each rank's part of a message.</summary>
    internal static nuint Part(nuint cells, int worldSize) => (cells / (nuint)worldSize) + (cells % (nuint)worldSize == 0 ? 0u : 1u);

    /// <summary>Whether a half holds every rank's message.</summary>
    internal static bool OneShotFits(nuint cells, int worldSize, nuint halfBytes) => cells <= halfBytes / (nuint)(CellBytes * worldSize);

    /// <summary>Whether a half holds a part of every rank, contributions and results.</summary>
    internal static bool TwoShotFits(nuint cells, int worldSize, nuint halfBytes) => Part(cells, worldSize) <= halfBytes / (nuint)(2 * CellBytes * worldSize);

    /// <summary>Its rings for one warp at least.</summary>
    internal static bool HasWindow(int rings, int worldSize, nuint halfBytes) => halfBytes >= (nuint)(rings * Ring * worldSize * CellBytes * 32);

    /// <summary>A thread for each cell, as far as that goes.</summary>
    /// <param name="cells">At least one.</param>
    /// <param name="mostBlocks">One for each multiprocessor of this rank's share of the device: all of them run at once.</param>
    internal static PeerLaunch For(nuint cells, int mostBlocks)
    {
        int threads = 128;
        while (threads < MostThreads && (nuint)(Math.Min(mostBlocks, threads == 128 ? SmallBlocks : 2 * SmallBlocks) * threads) < cells)
            threads *= 2;
        return new((int)Math.Min((nuint)mostBlocks, (cells + (nuint)threads - 1) / (nuint)threads), threads);
    }

    /// <summary>The largest grid whose rings a half holds, for so many cells of a rank's part; it is part of the protocol.</summary>
    internal static PeerLaunch ForWindow(int rings, nuint part, int worldSize, int mostBlocks, nuint halfBytes)
    {
        nuint most = halfBytes / (nuint)(rings * Ring * worldSize * CellBytes);
        int threads = MostThreads;
        while (threads > 32 && (nuint)(threads * mostBlocks) > most + (most / 16))
            threads /= 2;
        return new((int)Math.Max(1, Math.Min(Math.Min((nuint)mostBlocks, most / (nuint)threads), (part + (nuint)threads - 1) / (nuint)threads)), threads);
    }
}
