using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>CopyEngine of all_reduce_copy_engine.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CopyEngineArguments
{
    /// <summary>Of the kernel: Step.</summary>
    internal const uint Reduce = 0;
    internal const uint Finish = 1;

    internal PeerView View;
    internal nint Input;
    internal nint Output;

    /// <summary>Of this rank's own slice: contributions of the other ranks.</summary>
    internal nint Slots;
    internal ulong SlotBytes;
    internal PeerClaim Claim;

    /// <summary>Cells of each rank's part, and those of the piece in it.</summary>
    internal ulong Part;
    internal ulong Begin;
    internal ulong End;
    internal uint Step;
    internal uint Piece;
}
