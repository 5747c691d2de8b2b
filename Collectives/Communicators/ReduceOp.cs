namespace CollectivesSharp;

/// <summary>
/// How elements are combined; NCCL's values. Half, bfloat16 and fp8 accumulate in float and round once at the end. Integers wrap around;
/// an integer average is the wrapped sum divided, truncated towards zero. Min and Max propagate NaN.
/// </summary>
public enum ReduceOp
{
    Sum = 0,
    Product = 1,
    Max = 2,
    Min = 3,
    Average = 4,
}
