namespace CollectivesSharp.Interop;

/// <summary>The element types that collectives move and reduce; ncclDataType_t's values.</summary>
public enum DataType
{
    Int8 = 0,
    UInt8 = 1,
    Int32 = 2,
    UInt32 = 3,
    Int64 = 4,
    UInt64 = 5,
    Float16 = 6,
    Float32 = 7,
    Float64 = 8,
    BFloat16 = 9,
    Float8E4M3 = 10,
    Float8E5M2 = 11,
}
