using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The first argument of every kernel: View of arena.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PeerView
{
    /// <summary>At the start of a slice: Control of arena.cuh. Zeros when a group begins.</summary>
    internal const int ControlBytes = PeerArena.ControlBytes;

    /// <summary>Why the rank left, see <see cref="PeerFault"/>: its later kernels return at once.</summary>
    internal const int LeftInControl = 8;

    /// <summary>The ranks' slices, as this rank's device sees them.</summary>
    internal fixed ulong Slices[PeerKernelVariant.MaxRanks];

    /// <summary>The group's abort word, 8 bytes, and this rank's <see cref="PeerFault"/>: host memory, as the device sees it.</summary>
    internal nint Abort;
    internal nint Fault;

    /// <summary>Nanoseconds that one wait may take.</summary>
    internal ulong Patience;
    internal ulong HalfBytes;
    internal uint Rank;
}
