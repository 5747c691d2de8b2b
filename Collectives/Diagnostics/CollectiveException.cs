namespace CollectivesSharp;

/// <summary>A collective could not complete; its group is faulted.</summary>
public abstract class CollectiveException(string message, string group, string operation, long sequence) : Exception(message)
{
    public string Group { get; } = group;

    /// <summary>The call of this rank that met the fault, e.g. "AllReduce(1024 × Float32, Sum)", or "" outside of a call.</summary>
    public string Operation { get; } = operation;

    /// <summary>How many collectives this rank had started on the group, this one included.</summary>
    public long Sequence { get; } = sequence;
}
