using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>OneShot of all_reduce_one_shot.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OneShotArguments
{
    internal PeerView View;
    internal nint Input;
    internal nint Output;
    internal ulong Count;
}
