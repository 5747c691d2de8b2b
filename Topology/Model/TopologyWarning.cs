namespace CollectivesSharp.Topology;

/// <summary>Something that a person can act on, or that makes an answer uncertain.</summary>
/// <param name="Kind">For programs.</param>
/// <param name="Subject">GPU3, mlx5_0, a file.</param>
/// <param name="Message">For people: what was found, and what to do where something can be done.</param>
public sealed record TopologyWarning(TopologyWarningKind Kind, string Subject, string Message)
{
    public override string ToString() => $"{Subject}: {Message}";
}
