using System.Runtime.CompilerServices;

namespace CollectivesSharp.Conformance.Device;

/// <summary>LitmusArguments of litmus.cu.</summary>
internal struct LitmusArguments
{
    internal const int LongestTest = 4;

    private const int WordBytes = 32;
    private const int PacketBytes = 16;
    private const int Counters = 10_000;

    internal Memories Memory;
    internal int Test;
    internal int Rank;
    internal int Ranks;
    internal int Grids;
    internal int Threads;
    internal int Grid;
    internal int Rounds;
    internal int Blocks;
    internal ulong Seed;
    internal ulong PatienceNanoseconds;

    internal readonly int Cases => Rounds * Blocks;

    /// <summary>Where the counters begin.</summary>
    internal readonly int CaseBytes => (3 * Cases * WordBytes) + (LongestTest * Blocks * WordBytes) + (2 * Cases * PacketBytes);

    internal readonly int Bytes => CaseBytes + (Counters * sizeof(ulong));

    [InlineArray(LongestTest)]
    internal struct Memories
    {
        private nint _first;
    }
}
