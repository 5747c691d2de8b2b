using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Up to how many bytes of input each route is the fastest, for a number of ranks.</summary>
/// <param name="OneShot">Then comes the two-shot.</param>
/// <param name="TwoShot">Then comes the windowed two-shot.</param>
/// <param name="Windowed">Then comes NCCL.</param>
internal readonly record struct AllReduceTable(nuint OneShot, nuint TwoShot, nuint Windowed)
{
    private const nuint KiB = 1 << 10;
    private const nuint MiB = 1 << 20;

    /// <summary>From how many bytes on copy engines are the fastest, where the output is registered; as prototypes on 2 and 4 H100s had it (388 µs against NCCL's 478 at 128 MiB, 1164 against 1205 at 256 MiB). More ranks: nobody has measured.</summary>
    internal static nuint CopyEngine(int worldSize) => worldSize switch { 2 => 128 * MiB, <= 4 => 256 * MiB, _ => nuint.MaxValue };

    /// <summary>
    /// 2 ranks: measured on 2 H100s, bfloat16 in graphs (bench/results/peer-kernels.json); ours are ahead of NCCL's ring at every size up to 512 MiB. 3 and 4: prototypes on 4 H100s, where NCCL
    /// is ahead from 256 MiB on. More: nobody has measured; cautious.
    /// </summary>
    internal static AllReduceTable For(int worldSize, DataType type)
    {
        AllReduceTable table = worldSize switch
        {
            2 => new(1 * MiB, 8 * MiB, nuint.MaxValue),
            <= 4 => new(128 * KiB, 4 * MiB, 128 * MiB),
            _ => new(64 * KiB, 4 * MiB, 32 * MiB),
        };

        // With flags beside the data everything is twice as long on the wire.
        return PeerLaunch.DataInCell(type) == PeerLaunch.CellBytes ? table : new(table.OneShot / 2, 2 * MiB, 2 * MiB);
    }
}
