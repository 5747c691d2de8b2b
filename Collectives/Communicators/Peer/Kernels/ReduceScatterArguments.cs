using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>ReduceScatter of reduce_scatter.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ReduceScatterArguments
{
    internal PeerView View;
    internal nint Input;
    internal nint Output;

    /// <summary>Of each rank's part, in elements of the input.</summary>
    internal fixed ulong Offset[PeerKernelVariant.MaxRanks];
    internal fixed ulong Count[PeerKernelVariant.MaxRanks];
}
