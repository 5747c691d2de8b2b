using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CollectivesSharp;

/// <summary>
/// Copies into memory that this rank won't read and whose lines a peer holds. Past the caches such a copy takes no line away from the reader: two cores that exchange
/// 512 KiB through staging areas take 35 instead of 40 µs, 2 MiB 143 instead of 156 (a C model of the protocol; the result in bench/results/mpi-race.json).
/// </summary>
internal static unsafe class StagingCopy
{
    /// <summary>What a rank shows in one step, from where on streaming wins; smaller pieces are still in the cache when their reader comes.</summary>
    internal const int StreamBytes = 128 << 10;

    /// <summary>The stores are ordered before the caller's next one, as any copy's are.</summary>
    internal static void Stream(byte* from, byte* to, nuint bytes)
    {
        nuint done = 0;
        if (Sse.IsSupported && (nuint)to % 64 == 0)
        {
            for (; done + 64 <= bytes; done += 64)
            {
                Vector512<byte> line = Vector512.Load(from + done);
                line.StoreAlignedNonTemporal(to + done);
            }

            // Streaming stores overtake each other and the phase word behind them.
            Sse.StoreFence();
        }

        Buffer.MemoryCopy(from + done, to + done, bytes - done, bytes - done);
    }
}
