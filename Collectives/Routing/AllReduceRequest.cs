using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What decides the route of an all-reduce: arguments that are equal on all ranks.</summary>
/// <param name="Count">In elements.</param>
/// <param name="Type">Of the elements.</param>
/// <param name="Op">How they are combined.</param>
public readonly record struct AllReduceRequest(nuint Count, DataType Type, DeviceReduceOp Op)
{
    /// <summary>Whether the stream is captured, on all ranks or on none. Makes a difference only where routes were measured (<see cref="GroupOptions.AllReduceTuning"/>).</summary>
    public bool IsCaptured { get; init; }

    /// <summary>Whether input and output both lie in symmetric windows (<see cref="RegistrationKind.Symmetric"/>), at the same offsets on all ranks, or on no rank.</summary>
    public bool IsSymmetric { get; init; }

    /// <summary>Whether the output lies in memory of <see cref="GroupCoordinator.AllocateRegisteredAsync"/>, on all ranks at the same place of the same buffer or on none.</summary>
    public bool IsRegistered { get; init; }

    /// <summary>In symmetric windows, and at addresses where NCCL's results would be wrong.</summary>
    internal bool IsMisaligned { get; init; }

    /// <summary>What NCCL has kernels for that work on symmetric windows; it takes them then.</summary>
    internal bool TakesWindowKernels => IsSymmetric && Op.Scaled is null && Op.Op == ReduceOp.Sum && Type is (DataType.Float32 or DataType.Float16 or DataType.BFloat16 or DataType.Float8E4M3 or DataType.Float8E5M2);

    /// <summary>At most what a nuint holds.</summary>
    internal nuint Bytes => Count > nuint.MaxValue / (nuint)Type.SizeInBytes() ? nuint.MaxValue : Count * (nuint)Type.SizeInBytes();

    public override string ToString() => $"AllReduce({Count} × {Type}, {Op}{(IsCaptured ? ", captured" : "")}{(IsSymmetric ? ", symmetric windows" : "")}{(IsRegistered ? ", registered" : "")})";
}
