using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>AllReduceRmsNorm of rms_norm.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AllReduceRmsNormArguments
{
    internal PeerView View;
    internal RmsNormArguments Norm;
}
