using CollectivesSharp.Topology;

namespace CollectivesSharp;

/// <summary>An RDMA adapter as a rank sees it.</summary>
/// <param name="Name">mlx5_0.</param>
/// <param name="Kind">What it speaks.</param>
/// <param name="GigabitsPerSecond">Of its fastest active port; 0 if none is.</param>
/// <param name="Active">Whether any port can carry traffic.</param>
/// <param name="Path">From the rank's GPU; System without one.</param>
public sealed record RankAdapter(string Name, AdapterKind Kind, double GigabitsPerSecond, bool Active, PciePath Path);
