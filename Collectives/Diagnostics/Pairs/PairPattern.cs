using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>What a rank sends: each rank other bytes, and no two places the same word, so that what went astray is seen.</summary>
internal sealed class PairPattern(long bytes)
{
    internal int Length { get; } = checked((int)bytes);

    internal byte[] Of(int rank)
    {
        byte[] content = new byte[Length];
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(content.AsSpan());
        for (int i = 0; i < words.Length; i++)
            words[i] = Word(rank, i);
        return content;
    }

    internal static long CountWrong(ReadOnlySpan<byte> content, int rank)
    {
        long wrong = 0;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(content);
        for (int i = 0; i < words.Length; i++)
        {
            for (ulong difference = words[i] ^ Word(rank, i); difference != 0; difference >>= 8)
                wrong += (difference & 0xff) != 0 ? 1 : 0;
        }

        return wrong;
    }

    /// <summary>Mixed, so that another rank or place changes every byte.</summary>
    private static ulong Word(int rank, int index)
    {
        ulong mixed = ((((ulong)(uint)rank + 1) << 40) + (uint)index + 1) * 0x9E3779B97F4A7C15;
        return (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93;
    }
}
