using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Numerics;

public sealed class DataTypeTests
{
    [Fact]
    public void Values_are_NCCLs() => Assert.Equal(
        ["Int8", "UInt8", "Int32", "UInt32", "Int64", "UInt64", "Float16", "Float32", "Float64", "BFloat16", "Float8E4M3", "Float8E5M2"],
        Enumerable.Range(0, 12).Select(value => ((DataType)value).ToString()));

    [Fact]
    public void The_size_of_a_type_is_that_of_its_element()
    {
        Check<sbyte>(DataType.Int8, 1);
        Check<byte>(DataType.UInt8, 1);
        Check<int>(DataType.Int32, 4);
        Check<uint>(DataType.UInt32, 4);
        Check<long>(DataType.Int64, 8);
        Check<ulong>(DataType.UInt64, 8);
        Check<Half>(DataType.Float16, 2);
        Check<float>(DataType.Float32, 4);
        Check<double>(DataType.Float64, 8);
        Check<BFloat16>(DataType.BFloat16, 2);
        Check<Float8E4M3>(DataType.Float8E4M3, 1);
        Check<Float8E5M2>(DataType.Float8E5M2, 1);

        static unsafe void Check<T>(DataType type, int size)
            where T : unmanaged
        {
            Assert.Equal(type, DataTypeExtensions.Of<T>());
            Assert.Equal(size, type.SizeInBytes());
            Assert.Equal(size, sizeof(T));
        }
    }

    [Fact]
    public void Every_name_parses_back_and_common_others_do()
    {
        foreach (DataType type in Enum.GetValues<DataType>())
        {
            Assert.True(DataTypeExtensions.TryParse(type.NcclName(), out DataType parsed));
            Assert.Equal(type, parsed);
        }

        Assert.True(DataTypeExtensions.TryParse("BF16", out DataType bf16) && bf16 == DataType.BFloat16);
        Assert.True(DataTypeExtensions.TryParse("fp8_e4m3", out DataType fp8) && fp8 == DataType.Float8E4M3);
        Assert.False(DataTypeExtensions.TryParse("complex", out _));
        Assert.False(DataTypeExtensions.TryParse(null, out _));
    }

    [Fact]
    public void What_is_no_element_type_is_refused_by_name()
    {
        Assert.Contains("System.Char", Assert.Throws<NotSupportedException>(() => DataTypeExtensions.Of<char>()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => ((DataType)12).SizeInBytes());
        Assert.Throws<ArgumentOutOfRangeException>(() => ((DataType)99).IsFloatingPoint());
        Assert.Throws<ArgumentOutOfRangeException>(() => ((DataType)(-1)).NcclName());
    }
}
