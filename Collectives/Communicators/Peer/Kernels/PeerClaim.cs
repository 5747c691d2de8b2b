using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>What a call into registered memory says that every rank must say alike: Claim of arena.cuh. The kernels compare it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PeerClaim
{
    private const int OffsetBits = 48;

    /// <summary>The registration's number above the offset in it.</summary>
    internal ulong Place;

    /// <summary><see cref="HostCall.Word"/>.</summary>
    internal ulong What;

    /// <summary>In elements.</summary>
    internal ulong Count;

    internal static PeerClaim Of(in HostCall call, int registration, nuint offset) => new() { Place = ((ulong)registration << OffsetBits) | offset, What = (ulong)call.Word, Count = (ulong)call.Count };

    public override readonly string ToString() => $"{HostCall.FromWords((long)What, (long)Count, 0)} into registered buffer {Place >> OffsetBits} at byte {Place & ((1ul << OffsetBits) - 1)}";
}
