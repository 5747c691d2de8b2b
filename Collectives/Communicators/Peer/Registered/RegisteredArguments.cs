using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>RegisteredAllReduce of all_reduce_registered.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RegisteredArguments
{
    internal PeerView View;
    internal nint Input;

    /// <summary>The ranks' outputs, as this rank's device sees them.</summary>
    internal fixed ulong Outputs[PeerKernelVariant.MaxRanks];
    internal PeerClaim Claim;
}
