using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance.Device;

/// <summary>What one rounding may be off, relative to the value.</summary>
internal static class Tolerance
{
    internal static double Of<T>()
        where T : unmanaged
        => DataTypeExtensions.Of<T>() switch
        {
            DataType.Float64 => 1.0 / (1L << 53),
            DataType.Float32 => 1.0 / (1 << 24),
            DataType.Float16 => 1.0 / (1 << 11),
            DataType.BFloat16 => 1.0 / (1 << 8),
            DataType.Float8E4M3 => 1.0 / (1 << 4),
            DataType.Float8E5M2 => 1.0 / (1 << 3),
            _ => 0,
        };
}
