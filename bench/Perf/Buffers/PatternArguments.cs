using System.Runtime.InteropServices;

namespace CollectivesSharp.Perf;

/// <summary>Laid out as Pattern in Kernels/pattern.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PatternArguments
{
    public nint Data;
    public ulong Count;
    public ulong First;
    public nint Wrong;
    public double Tolerance;
    public int Type;
    public int Op;
    public int Seed;
    public int Ranks;
    public int Rank;
}
