using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>Exchange of exchange.cu; all lengths in bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ExchangeArguments
{
    internal PeerView View;
    internal nint Input;
    internal nint Output;
    internal fixed ulong SendOffset[PeerKernelVariant.MaxRanks];
    internal fixed ulong SendBytes[PeerKernelVariant.MaxRanks];
    internal fixed ulong ReceiveOffset[PeerKernelVariant.MaxRanks];
    internal fixed ulong ReceiveBytes[PeerKernelVariant.MaxRanks];

    /// <summary>From one rank's first cell in a half to the next one's.</summary>
    internal ulong SlotCells;
}
