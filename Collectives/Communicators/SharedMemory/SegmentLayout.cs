using System.Numerics;

namespace CollectivesSharp;

/// <summary>
/// Where things lie in the segment that the ranks of a node share. One page of group words, a cell a rank, then the data areas:
/// two staging chunks a rank, two result chunks a group, and a ring for each pair of ranks. Words that different ranks write never share a cache line (128 bytes, since adjacent lines are
/// fetched in pairs).
/// </summary>
internal readonly record struct SegmentLayout(int Ranks, int ChunkBytes)
{
    internal const int Version = 6;
    internal const ulong Magic = 0x31474553_50535343; // "CSSPSEG1"
    internal const int PageBytes = 4096;

    /// <summary>What <see cref="AbortWord"/> can name.</summary>
    internal const int MaxRanks = 1 << 14;

    /// <summary>Of a chunk, for each rank: its parts begin on cache lines.</summary>
    internal const int MinPartBytes = 64;

    internal const int MagicOffset = 0;
    internal const int VersionOffset = 8;
    internal const int RanksOffset = 12;
    internal const int GenerationOffset = 16;
    internal const int ChunkBytesOffset = 24;
    internal const int AbortOffset = 128;
    internal const int BellOffset = 256;
    internal const int SleepersOffset = 384;

    /// <summary>
    /// Two signals by the parity of the phase: the phase, the first word of the call that begins with it, and what small calls show their peers. Peers poll the
    /// signal's first line; a payload that fits into it travels along with it, and costs no line of its own.
    /// </summary>
    internal const int SignalBytes = 512;
    internal const int PhaseInSignal = 0;
    internal const int CallInSignal = 8;
    internal const int PayloadInSignal = 16;
    internal const int InlineBytes = SignalBytes - PayloadInSignal;

    /// <summary>Two descriptions of calls, by the parity of the sequence number: <see cref="HostCall"/>'s word, count and digest. Read when the signals differ.</summary>
    internal const int CallsInCell = 2 * SignalBytes;
    internal const int CallWords = 3;
    internal const int LeftInCell = CallsInCell + 128;

    /// <summary>Where this rank last ran, plus 1; 0: not known. Written when it changes.</summary>
    internal const int CoreInCell = LeftInCell + 4;

    /// <summary>Rung for this rank alone when it waits for messages; it says so in the word behind.</summary>
    internal const int BellInCell = LeftInCell + 64;
    internal const int AsleepInCell = LeftInCell + 68;

    /// <summary>Why this rank aborted: u16 length, UTF-8.</summary>
    internal const int AbortTextInCell = LeftInCell + 128;
    internal const int MaxAbortTextBytes = CellBytes - AbortTextInCell - sizeof(ushort);

    internal const int CellBytes = 3 * SignalBytes;

    internal const long CellsOffset = PageBytes;

    internal long StagingOffset => RoundUp(CellsOffset + ((long)Ranks * CellBytes));

    internal long ResultOffset => StagingOffset + (2L * Ranks * ChunkBytes);

    /// <summary>A ring for each ordered pair of ranks, for messages between them.</summary>
    internal long RingOffset(int from, int to) => ResultOffset + (2L * ChunkBytes) + ((((long)from * Ranks) + to) * (RingHeaderBytes + RingBytes));

    /// <summary>A power of two: 64 KiB for up to 4 ranks, 4 KiB for 64, so that all of them together stay below 17 MiB.</summary>
    internal int RingBytes => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp((256 << 10) / Ranks / 2 + 1, 4 << 10, 64 << 10));

    /// <summary>The reader's and the writer's position, each on a line of its own.</summary>
    internal const int RingHeaderBytes = 256;

    internal long TotalBytes => RoundUp(RingOffset(Ranks, 0));

    /// <summary>
    /// <paramref name="hostChunkBytes"/> as <see cref="GroupOptions.HostChunkBytes"/>. Two ranks, which have few areas, get twice as much: what a writer has put into 512 KiB has left its own cache for the shared one
    /// by the time that the other reads it (all-reduce and all-gather of 1 to 8 MiB: a tenth to a half faster; with four ranks no difference).
    /// </summary>
    internal static SegmentLayout For(int ranks, int hostChunkBytes) => new(ranks, ranks == 2 ? 2 * hostChunkBytes : hostChunkBytes);

    internal static long RoundUp(long bytes) => (bytes + PageBytes - 1) / PageBytes * PageBytes;
}
