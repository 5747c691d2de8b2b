using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>What a kernel tells that has left without its data: Fault of arena.cuh. Written once in the life of a group.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PeerFault
{
    internal const uint Aborted = 1;
    internal const uint TimedOut = 2;
    internal const uint Disagreed = 3;

    /// <summary>0: none. Written last, with release.</summary>
    internal uint Reason;

    /// <summary>A bit for each rank whose word had not come, or said something else.</summary>
    internal uint Missing;

    /// <summary>Of the call: counts the kernels that ran on the slice, replayed ones as well.</summary>
    internal ulong Epoch;

    /// <summary>What that rank said, and what this one did; zeros but for <see cref="Disagreed"/>.</summary>
    internal PeerClaim Claim;
    internal PeerClaim Own;
}
