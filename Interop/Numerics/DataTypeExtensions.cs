using System.Diagnostics.CodeAnalysis;

namespace CollectivesSharp.Interop;

public static class DataTypeExtensions
{
    // In the order of the enum's values.
    private static readonly string[] s_ncclNames = ["int8", "uint8", "int32", "uint32", "int64", "uint64", "half", "float", "double", "bfloat16", "f8e4m3", "f8e5m2"];

    private static readonly Dictionary<string, DataType> s_aliases = new(StringComparer.OrdinalIgnoreCase)
    {
        ["char"] = DataType.Int8,
        ["int"] = DataType.Int32,
        ["fp16"] = DataType.Float16,
        ["float16"] = DataType.Float16,
        ["fp32"] = DataType.Float32,
        ["float32"] = DataType.Float32,
        ["fp64"] = DataType.Float64,
        ["float64"] = DataType.Float64,
        ["bf16"] = DataType.BFloat16,
        ["fp8_e4m3"] = DataType.Float8E4M3,
        ["fp8_e5m2"] = DataType.Float8E5M2,
    };

    public static int SizeInBytes(this DataType type) => type switch
    {
        DataType.Int8 or DataType.UInt8 or DataType.Float8E4M3 or DataType.Float8E5M2 => 1,
        DataType.Float16 or DataType.BFloat16 => 2,
        DataType.Int32 or DataType.UInt32 or DataType.Float32 => 4,
        DataType.Int64 or DataType.UInt64 or DataType.Float64 => 8,
        _ => throw Undefined(type),
    };

    public static bool IsFloatingPoint(this DataType type) => type switch
    {
        >= DataType.Float16 and <= DataType.Float8E5M2 => true,
        >= DataType.Int8 and <= DataType.UInt64 => false,
        _ => throw Undefined(type),
    };

    /// <summary>What nccl-tests calls it: "half", "bfloat16", "f8e4m3".</summary>
    public static string NcclName(this DataType type) => (uint)type < (uint)s_ncclNames.Length ? s_ncclNames[(int)type] : throw Undefined(type);

    /// <summary>Takes nccl-tests' names and common others (bf16, fp16, fp32, fp8_e4m3), in any case.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out DataType type)
    {
        int index = Array.FindIndex(s_ncclNames, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (index >= 0)
        {
            type = (DataType)index;
            return true;
        }

        type = default;
        return text is not null && s_aliases.TryGetValue(text, out type);
    }

    /// <summary>The element type of <typeparamref name="T"/>; a constant to the JIT. Throws <see cref="NotSupportedException"/> for a type that no collective takes.</summary>
    public static DataType Of<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(sbyte)) return DataType.Int8;
        if (typeof(T) == typeof(byte)) return DataType.UInt8;
        if (typeof(T) == typeof(int)) return DataType.Int32;
        if (typeof(T) == typeof(uint)) return DataType.UInt32;
        if (typeof(T) == typeof(long)) return DataType.Int64;
        if (typeof(T) == typeof(ulong)) return DataType.UInt64;
        if (typeof(T) == typeof(Half)) return DataType.Float16;
        if (typeof(T) == typeof(float)) return DataType.Float32;
        if (typeof(T) == typeof(double)) return DataType.Float64;
        if (typeof(T) == typeof(BFloat16)) return DataType.BFloat16;
        if (typeof(T) == typeof(Float8E4M3)) return DataType.Float8E4M3;
        if (typeof(T) == typeof(Float8E5M2)) return DataType.Float8E5M2;
        throw new NotSupportedException($"{typeof(T)} is no element type. Supported: sbyte, byte, int, uint, long, ulong, Half, float, double, BFloat16, Float8E4M3, Float8E5M2.");
    }

    private static ArgumentOutOfRangeException Undefined(DataType type) => new(nameof(type), type, "No such element type.");
}
