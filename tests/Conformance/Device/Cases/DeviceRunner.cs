using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance.Device;

/// <summary>A <see cref="DeviceCaseRunner{T}"/> whose type is known at run time.</summary>
internal sealed record DeviceRunner(Action<IReadOnlyList<DeviceCase>> Eager, Action<IReadOnlyList<DeviceCase>> Captured)
{
    internal static DeviceRunner Of(DeviceRank rank, DataType type, DeviceMemoryKind kind = DeviceMemoryKind.Plain, RegistrationKind? registration = null)
    {
        return type switch
        {
            DataType.Int8 => Make<sbyte>(),
            DataType.UInt8 => Make<byte>(),
            DataType.Int32 => Make<int>(),
            DataType.UInt32 => Make<uint>(),
            DataType.Int64 => Make<long>(),
            DataType.UInt64 => Make<ulong>(),
            DataType.Float16 => Make<Half>(),
            DataType.Float32 => Make<float>(),
            DataType.Float64 => Make<double>(),
            DataType.BFloat16 => Make<BFloat16>(),
            DataType.Float8E4M3 => Make<Float8E4M3>(),
            DataType.Float8E5M2 => Make<Float8E5M2>(),
            _ => throw new NotSupportedException(type.ToString()),
        };

        DeviceRunner Make<T>()
            where T : unmanaged
        {
            DeviceCaseRunner<T> runner = new(rank, kind, registration);
            return new(runner.RunEager, runner.RunCaptured);
        }
    }
}
