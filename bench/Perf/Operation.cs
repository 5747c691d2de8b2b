namespace CollectivesSharp.Perf;

/// <summary>How a row reduces. The first five have <see cref="ReduceOp"/>'s values.</summary>
internal enum Operation
{
    Sum,
    Product,
    Max,
    Min,
    Average,

    /// <summary>The premultiplied sum, with nccl-tests' scalars: 1 on even ranks, 2 on odd ones.</summary>
    MulSum,
}
