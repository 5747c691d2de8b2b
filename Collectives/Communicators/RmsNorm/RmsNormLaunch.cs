using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The shape of a launch of the kernels that include rms_norm.cuh: a block a row. The block's size follows from the row's length, and with it the order of the row's sum: the same bits on every route.</summary>
internal static class RmsNormLaunch
{
    /// <summary>BLOCK_WORDS of rms_norm.cuh.</summary>
    internal const int BlockWords = 64;

    private const int Warp = 32;

    /// <summary>Of the kernel that waits for nobody; more rows go round.</summary>
    private const int MostSeparateBlocks = 1024;

    /// <summary>Bytes of block memory for so many rows at a time.</summary>
    internal static int SharedBytes(int rows) => BlockWords * sizeof(uint) * rows;

    /// <summary>Cells of a row.</summary>
    internal static nuint Cells(nuint columns, DataType type) => PeerLaunch.Cells(columns, type);

    /// <summary>Rows that a rank owns in the two-shot.</summary>
    internal static nuint OwnRows(nuint rows, int worldSize) => PeerLaunch.Part(rows, worldSize);

    internal static PeerLaunch ForOneShot(nuint rows, nuint columns, DataType type, int worldSize, int mostBlocks) => new((int)nuint.Min(rows, (nuint)mostBlocks), Threads(columns, type, worldSize));

    internal static PeerLaunch ForTwoShot(nuint rows, nuint columns, DataType type, int worldSize, int mostBlocks) => ForOneShot(OwnRows(rows, worldSize), columns, type, worldSize, mostBlocks);

    internal static PeerLaunch ForSeparate(nuint rows, nuint columns, DataType type, int worldSize) => ForOneShot(rows, columns, type, worldSize, MostSeparateBlocks);

    internal static bool OneShotFits(nuint rows, nuint columns, DataType type, int worldSize, nuint halfBytes) =>
        rows <= halfBytes / (nuint)(PeerLaunch.CellBytes * worldSize) / Cells(columns, type);

    internal static bool TwoShotFits(nuint rows, nuint columns, DataType type, int worldSize, nuint halfBytes) =>
        OwnRows(rows, worldSize) <= halfBytes / (nuint)(2 * PeerLaunch.CellBytes * worldSize) / Cells(columns, type);

    /// <summary>Above four ranks the kernels take the registers of 512 threads.</summary>
    private static int Threads(nuint columns, DataType type, int worldSize) =>
        (int)nuint.Min(worldSize > 4 ? 512u : 1024u, (Cells(columns, type) + Warp - 1) / Warp * Warp);
}
