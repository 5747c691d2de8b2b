using CollectivesSharp.Interop;
using static CollectivesSharp.AllReduceRoute;

namespace CollectivesSharp;

/// <summary>A built-in table: the routes by size, for a number of ranks and a kind of calls, and how much of that somebody has measured.</summary>
/// <param name="Bands">In ascending order, up to all sizes there are.</param>
/// <param name="Measured">Up to which size each route was timed beside the others; those that were not are not in it.</param>
/// <param name="Doubt">Why its choices are a guess; null: they were measured.</param>
internal sealed record AllReduceTable(AllReduceBand[] Bands, AllReduceBand[] Measured, string? Doubt)
{
    private const nuint KiB = 1 << 10;
    private const nuint MiB = 1 << 20;
    private const string Cautious = "nobody has measured so many ranks: by a cautious table";
    private const string Flags = "nobody has measured integers and doubles, half of whose words are flags: by a cautious table";
    private const string Prototypes = "nobody has measured these kernels on 4 GPUs: by prototypes on 4 H100s";

    /// <summary>What bench/results/all-reduce-routes.json holds.</summary>
    private static readonly AllReduceBand[] s_measured =
        [new(8 * MiB, OneShot), new(8 * MiB, TwoShot), new(512 * MiB, Windowed), new(512 * MiB, Nccl), new(512 * MiB, NcclSymmetric), new(512 * MiB, CopyEngine), new(512 * MiB, Registered)];

    /// <summary>
    /// bench/results/all-reduce-routes.json: 2 H200s, bfloat16, as H100s before. One table for eager calls and graphs: up to 512 KiB the device waits for the host's launches, so that eager our routes differ by noise alone, and above they differ as in graphs.
    /// </summary>
    private static readonly AllReduceTable s_two = new([new(1 * MiB, OneShot), new(4 * MiB, Windowed), new(8 * MiB, TwoShot), new(nuint.MaxValue, Windowed)], s_measured, null);

    /// <summary>Into registered memory: the same run.</summary>
    private static readonly AllReduceTable s_twoRegistered = s_two with { Bands = [.. s_two.Bands[..3], new(64 * MiB, Registered), new(nuint.MaxValue, CopyEngine)] };

    /// <summary>Where ranks share a GPU there are none for them.</summary>
    private static readonly AllReduceTable s_twoWithoutCopyEngines = s_two with { Bands = [.. s_two.Bands[..3], new(nuint.MaxValue, Registered)] };

    /// <summary>Prototypes on 4 H100s, where NCCL is ahead from 256 MiB on.</summary>
    private static readonly AllReduceTable s_four = new([new(128 * KiB, OneShot), new(4 * MiB, TwoShot), new(128 * MiB, Windowed), new(nuint.MaxValue, Nccl)],
        [new(256 * KiB, OneShot), new(4 * MiB, TwoShot), new(256 * MiB, Windowed), new(256 * MiB, Nccl), new(64 * MiB, NcclSymmetric)], Prototypes);

    private static readonly AllReduceTable s_three = s_four with { Measured = [], Doubt = "nobody has measured 3 ranks: as 4" };

    private static readonly AllReduceTable s_more = new([new(64 * KiB, OneShot), new(4 * MiB, TwoShot), new(32 * MiB, Windowed), new(nuint.MaxValue, Nccl)], [], Cautious);

    // With flags beside the data everything is twice as long on the wire.
    private static readonly AllReduceTable s_twoFlagged = new([new(512 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)], [], Flags);
    private static readonly AllReduceTable s_fourFlagged = new([new(64 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)], [], Flags);
    private static readonly AllReduceTable s_moreFlagged = new([new(32 * KiB, OneShot), new(2 * MiB, TwoShot), new(nuint.MaxValue, Nccl)], [], Flags);

    // A trip over PCIe costs several of NVLink, and every byte 10 to 20 times as much.
    private static readonly AllReduceTable s_twoPcie = Pcie(16 * KiB), s_twoPcieFlagged = Pcie(8 * KiB), s_pcie = Pcie(8 * KiB), s_pcieFlagged = Pcie(4 * KiB);

    /// <param name="facts">Ranks and hardware.</param>
    /// <param name="type">Of the elements.</param>
    /// <param name="isRegistered">Into registered memory.</param>
    /// <param name="hasNccl">NCCL may take such a call; else our kernels take all of them, over PCIe too.</param>
    internal static AllReduceTable For(AllReduceFacts facts, DataType type, bool isRegistered, bool hasNccl)
    {
        bool isFlagged = PeerLaunch.DataInCell(type) != PeerLaunch.CellBytes;
        return (facts.Hardware.Kind, facts.WorldSize) switch
        {
            (PeerHardwareKind.Pcie, 2) when hasNccl => isFlagged ? s_twoPcieFlagged : s_twoPcie,
            (PeerHardwareKind.Pcie, _) when hasNccl => isFlagged ? s_pcieFlagged : s_pcie,
            (PeerHardwareKind.Pcie or PeerHardwareKind.Unmeasured, _) => isFlagged ? s_moreFlagged : s_more,
            (_, 2) => isFlagged ? s_twoFlagged : !isRegistered ? s_two : facts.CopyEngineObjection is null ? s_twoRegistered : s_twoWithoutCopyEngines,
            (_, <= 4) => isFlagged ? s_fourFlagged : facts.WorldSize == 3 ? s_three : s_four,
            _ => isFlagged ? s_moreFlagged : s_more,
        };
    }

    /// <summary>Whether the route was timed beside the others at such a size.</summary>
    internal bool HasMeasured(AllReduceRoute route, nuint bytes)
    {
        foreach (AllReduceBand measured in Measured)
        {
            if (measured.Route == route)
                return bytes <= measured.UpTo;
        }

        return false;
    }

    private static AllReduceTable Pcie(nuint oneShot) => new([new(oneShot, OneShot), new(nuint.MaxValue, Nccl)], [], null);
}
