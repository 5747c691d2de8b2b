using System.Runtime.Intrinsics;

namespace CollectivesSharp;

/// <summary>
/// A copy whose stores pass the caches by: what is written is not read from memory first, a third less traffic. Slower while source and target fit the caches (4 MiB: half as much again).
/// </summary>
internal static unsafe class StreamingCopy
{
    /// <summary>A result of so many bytes is worth it: with two ranks all-gather gains a fifth at 16 MiB and loses a tenth at 8 MiB (2 cores of an AMD EPYC).</summary>
    internal const int WorthwhileBytes = 16 << 20;

    private const int Line = 64;

    /// <summary>The ranges do not overlap. Ordered before what this thread writes next, as ordinary stores are.</summary>
    internal static void Copy(byte* from, byte* to, nuint bytes)
    {
        nuint done = Math.Min((nuint)(-(nint)to) & (Line - 1), bytes);
        Buffer.MemoryCopy(from, to, done, done);
        for (; done + (2 * Line) <= bytes; done += 2 * Line)
        {
            // Four loads ahead of four stores: a line is written whole.
            Vector256<byte> first = Vector256.Load(from + done), second = Vector256.Load(from + done + 32);
            Vector256<byte> third = Vector256.Load(from + done + 64), fourth = Vector256.Load(from + done + 96);
            Vector256.StoreAlignedNonTemporal(first, to + done);
            Vector256.StoreAlignedNonTemporal(second, to + done + 32);
            Vector256.StoreAlignedNonTemporal(third, to + done + 64);
            Vector256.StoreAlignedNonTemporal(fourth, to + done + 96);
        }

        Buffer.MemoryCopy(from + done, to + done, bytes - done, bytes - done);
        // Streaming stores obey no order of their own, on x86 neither.
        Interlocked.MemoryBarrier();
    }
}
