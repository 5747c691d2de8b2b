using CollectivesSharp.Interop;
using static CollectivesSharp.AllReduceRoute;

namespace CollectivesSharp;

/// <summary>
/// The built-in table: the fastest routes by size, for a number of ranks.
/// </summary>
internal static class AllReduceTable
{
    private const nuint KiB = 1 << 10;
    private const nuint MiB = 1 << 20;

    /// <summary>
    /// bench/results/all-reduce-routes.json: 2 H200s, bfloat16, as H100s before. One table for eager calls and graphs: up to 512 KiB the device waits for the host's launches, so that eager our routes differ by noise alone, and above they differ as in graphs.
    /// </summary>
    private static readonly AllReduceBand[] s_two = [new(1 * MiB, OneShot), new(4 * MiB, Windowed), new(8 * MiB, TwoShot), new(nuint.MaxValue, Windowed)];

    /// <summary>Into registered memory: the same run.</summary>
    private static readonly AllReduceBand[] s_twoRegistered = [.. s_two[..3], new(64 * MiB, Registered), new(nuint.MaxValue, CopyEngine)];

    /// <summary>Where ranks share a GPU there are none for them.</summary>
    private static readonly AllReduceBand[] s_twoWithoutCopyEngines = [.. s_two[..3], new(nuint.MaxValue, Registered)];

    /// <summary>Prototypes on 4 H100s, where NCCL is ahead from 256 MiB on.</summary>
    private static readonly AllReduceBand[] s_four = [new(128 * KiB, OneShot), new(4 * MiB, TwoShot), new(128 * MiB, Windowed), new(nuint.MaxValue, Nccl)];

    /// <summary>Nobody has measured: cautious.</summary>
    private static readonly AllReduceBand[] s_more = [new(64 * KiB, OneShot), new(4 * MiB, TwoShot), new(32 * MiB, Windowed), new(nuint.MaxValue, Nccl)];

    // With flags beside the data everything is twice as long on the wire.
    private static readonly AllReduceBand[] s_twoFlagged = [new(512 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)];
    private static readonly AllReduceBand[] s_fourFlagged = [new(64 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)];
    private static readonly AllReduceBand[] s_moreFlagged = [new(32 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)];

    /// <summary>In ascending order, up to all sizes there are.</summary>
    internal static AllReduceBand[] For(int worldSize, DataType type, bool isRegistered = false, bool hasCopyEngines = false)
    {
        bool isFlagged = PeerLaunch.DataInCell(type) != PeerLaunch.CellBytes;
        return worldSize switch
        {
            2 => isFlagged ? s_twoFlagged : !isRegistered ? s_two : hasCopyEngines ? s_twoRegistered : s_twoWithoutCopyEngines,
            <= 4 => isFlagged ? s_fourFlagged : s_four,
            _ => isFlagged ? s_moreFlagged : s_more,
        };
    }
}
