namespace CollectivesSharp.Topology;

/// <summary>An address of a port.</summary>
/// <param name="Index">What NCCL_IB_GID_INDEX takes.</param>
/// <param name="Value">Eight groups of four hex digits.</param>
/// <param name="Type">As the kernel names it: "IB/RoCE v1" or "RoCE v2"; empty if it does not.</param>
/// <param name="Interface">The network interface behind it; empty on InfiniBand.</param>
public sealed record AdapterGid(int Index, string Value, string Type, string Interface);
