using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// The shape of a launch of the kernels that include rms_norm.cuh: a block a row, or a cluster of blocks where there are few rows. The number of threads of a row follows from its length, and with it the order of its sum: the
/// same bits on every route.
/// </summary>
internal static class RmsNormLaunch
{
    /// <summary>BLOCK_WORDS of rms_norm.cuh.</summary>
    internal const int BlockWords = 64;

    /// <summary>CLUSTER_WORDS of rms_norm.cuh.</summary>
    internal const int ClusterWords = 2 * (2 + Warp);

    private const int Warp = 32;

    /// <summary>Shorter rows gain nothing from a second block, and no row does from shorter blocks, on an H200; bench/results/rms-norm.json shows what is won.</summary>
    private const int LeastThreadsOfClusters = 512;
    private const int LeastThreads = 128;

    /// <summary>What every device with clusters takes.</summary>
    private const int MostBlocksOfCluster = 8;

    /// <summary>Of the kernel that waits for nobody; more rows go round.</summary>
    private const int MostSeparateBlocks = 1024;

    /// <summary>Bytes of block memory for so many rows at a time; for one, where blocks share it.</summary>
    internal static int SharedBytes(int rows, int clusterBlocks = 1) => (clusterBlocks > 1 ? ClusterWords : BlockWords * rows) * sizeof(uint);

    /// <summary>Cells of a row.</summary>
    internal static nuint Cells(nuint columns, DataType type) => PeerLaunch.Cells(columns, type);

    /// <summary>Rows that a rank owns in the two-shot.</summary>
    internal static nuint OwnRows(nuint rows, int worldSize) => PeerLaunch.Part(rows, worldSize);

    /// <summary>While all rows fit at once, in as many blocks for each as run beside each other: what one multiprocessor issues is most of a row's time.</summary>
    internal static PeerLaunch ForOneShot(nuint rows, nuint columns, DataType type, int worldSize, int mostBlocks, bool takesClusters)
    {
        PeerLaunch whole = InBlocks(rows, columns, type, worldSize, mostBlocks);
        if (!takesClusters || whole.Threads < LeastThreadsOfClusters)
            return whole;
        int blocks = MostBlocksOfCluster;
        while (blocks > 1 && (whole.Threads % (blocks * Warp) != 0 || whole.Threads / blocks < LeastThreads || rows > (nuint)(mostBlocks / blocks)))
            blocks /= 2;
        return blocks == 1 ? whole : new((int)rows * blocks, whole.Threads / blocks, blocks);
    }

    internal static PeerLaunch ForTwoShot(nuint rows, nuint columns, DataType type, int worldSize, int mostBlocks) => InBlocks(OwnRows(rows, worldSize), columns, type, worldSize, mostBlocks);

    internal static PeerLaunch ForSeparate(nuint rows, nuint columns, DataType type, int worldSize) => InBlocks(rows, columns, type, worldSize, MostSeparateBlocks);

    internal static bool OneShotFits(nuint rows, nuint columns, DataType type, int worldSize, nuint halfBytes) =>
        rows <= halfBytes / (nuint)(PeerLaunch.CellBytes * worldSize) / Cells(columns, type);

    internal static bool TwoShotFits(nuint rows, nuint columns, DataType type, int worldSize, nuint halfBytes) =>
        OwnRows(rows, worldSize) <= halfBytes / (nuint)(2 * PeerLaunch.CellBytes * worldSize) / Cells(columns, type);

    private static PeerLaunch InBlocks(nuint rows, nuint columns, DataType type, int worldSize, int mostBlocks) => new((int)nuint.Min(rows, (nuint)mostBlocks), Threads(columns, type, worldSize));

    /// <summary>Above four ranks the kernels take the registers of 512 threads.</summary>
    private static int Threads(nuint columns, DataType type, int worldSize) =>
        (int)nuint.Min(worldSize > 4 ? 512u : 1024u, (Cells(columns, type) + Warp - 1) / Warp * Warp);
}
