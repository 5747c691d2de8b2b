using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What decides the route of an all-reduce: arguments that are equal on all ranks. Whether a stream is captured makes no difference.</summary>
/// <param name="Count">In elements.</param>
/// <param name="Type">Of the elements.</param>
/// <param name="Op">How they are combined.</param>
public readonly record struct AllReduceRequest(nuint Count, DataType Type, DeviceReduceOp Op)
{
    public override string ToString() => $"AllReduce({Count} × {Type}, {Op})";
}
