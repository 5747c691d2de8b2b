using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>RmsNorm of rms_norm.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RmsNormArguments
{
    internal nint Input;
    internal nint Residual;
    internal nint Weight;
    internal nint Sum;
    internal nint Output;
    internal nint Scale;
    internal ulong Rows;
    internal ulong Columns;
    internal float Epsilon;
    internal uint Quantisation;
}
