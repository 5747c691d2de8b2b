using CollectivesSharp.Interop;
using static CollectivesSharp.AllReduceRoute;

namespace CollectivesSharp;

/// <summary>The built-in table: the fastest routes by size, for a number of ranks.</summary>
internal static class AllReduceTable
{
    private const nuint KiB = 1 << 10;
    private const nuint MiB = 1 << 20;

    /// <summary>
    /// bench/results/all-reduce-routes.json: 2 H100s, bfloat16. One table for eager calls and graphs: up to 512 KiB the device waits for the host's launches, so that eager our routes differ by noise alone, and above they differ as in graphs.
    /// </summary>
    private static readonly AllReduceBand[] s_two = [new(1 * MiB, OneShot), new(4 * MiB, Windowed), new(8 * MiB, TwoShot), new(nuint.MaxValue, Windowed)];

    /// <summary>Prototypes on 4 H100s, where NCCL is ahead from 256 MiB on.</summary>
    private static readonly AllReduceBand[] s_four = [new(128 * KiB, OneShot), new(4 * MiB, TwoShot), new(128 * MiB, Windowed), new(nuint.MaxValue, Nccl)];

    /// <summary>Nobody has measured: cautious.</summary>
    private static readonly AllReduceBand[] s_more = [new(64 * KiB, OneShot), new(4 * MiB, TwoShot), new(32 * MiB, Windowed), new(nuint.MaxValue, Nccl)];

    // With flags beside the data everything is twice as long on the wire.
    private static readonly AllReduceBand[] s_twoFlagged = [new(512 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)];
    private static readonly AllReduceBand[] s_fourFlagged = [new(64 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)];
    private static readonly AllReduceBand[] s_moreFlagged = [new(32 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)];

    /// <summary>
    /// From how many bytes on copy engines are the fastest, where the output is registered; as prototypes on 2 and 4 H100s had it (388 µs against NCCL's 478 at 128 MiB, 1164 against 1205 at 256 MiB). More ranks: nobody has measured.
    /// </summary>
    internal static nuint CopyEngine(int worldSize) => worldSize switch { 2 => 128 * MiB, <= 4 => 256 * MiB, _ => nuint.MaxValue };

    /// <summary>In ascending order, up to all sizes there are.</summary>
    internal static AllReduceBand[] For(int worldSize, DataType type)
    {
        bool isFlagged = PeerLaunch.DataInCell(type) != PeerLaunch.CellBytes;
        return worldSize switch
        {
            2 => isFlagged ? s_twoFlagged : s_two,
            <= 4 => isFlagged ? s_fourFlagged : s_four,
            _ => isFlagged ? s_moreFlagged : s_more,
        };
    }
}
