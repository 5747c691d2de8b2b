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

    /// <summary>Whether the output lies in memory of <see cref="GroupCoordinator.AllocateRegisteredAsync"/>, on all ranks at the same place of the same buffer or on none.</summary>
    public bool IsRegistered { get; init; }

    /// <summary>At most what a nuint holds.</summary>
    internal nuint Bytes => Count > nuint.MaxValue / (nuint)Type.SizeInBytes() ? nuint.MaxValue : Count * (nuint)Type.SizeInBytes();

    public override string ToString() => $"AllReduce({Count} × {Type}, {Op}{(IsCaptured ? ", captured" : "")}{(IsRegistered ? ", registered" : "")})";
}
