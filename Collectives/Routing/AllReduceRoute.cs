namespace CollectivesSharp;

/// <summary>How an all-reduce of device memory travels.</summary>
public enum AllReduceRoute
{
    /// <summary>No way: the call throws <see cref="NotSupportedException"/> with the reason.</summary>
    None,

    /// <summary>Every rank pushes its input to every other and reduces what it has received, in rank order: our kernel, for small messages.</summary>
    OneShot,

    Nccl,
}
