using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>AllReduce of all_reduce.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AllReduceArguments
{
    internal PeerView View;
    internal nint Input;
    internal nint Output;
    internal ulong Count;
}
