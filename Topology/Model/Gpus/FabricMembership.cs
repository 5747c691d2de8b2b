namespace CollectivesSharp.Topology;

/// <summary>The NVLink domain that a GPU belongs to. GPUs of several hosts with the same cluster and clique reach each other over NVLink.</summary>
/// <param name="ClusterUuid">32 hex digits; all zero on a host whose NVLinks end inside it.</param>
/// <param name="Clique">Meaningless where the cluster is all zero.</param>
/// <param name="State">How far the registration with the fabric manager is.</param>
/// <param name="Status">NVML's code of the registration: 0 is success.</param>
public sealed record FabricMembership(string ClusterUuid, uint Clique, FabricState State, int Status)
{
    /// <summary>Whether the domain may reach other hosts.</summary>
    public bool SpansHosts => ClusterUuid.AsSpan().ContainsAnyExcept('0');
}
