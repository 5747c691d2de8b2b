using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>A NUMA node of /sys/devices/system/node. A node without processors is memory alone, such as a Grace Hopper GPU's.</summary>
/// <param name="Id">The kernel's number.</param>
/// <param name="Cpus">Its processors as a list: 0-31,64-95; may be empty.</param>
/// <param name="Distances">The firmware's relative costs to each online node, in their order; 10 is local.</param>
/// <param name="MemoryBytes">0 if not known.</param>
public sealed record NumaNode(int Id, string Cpus, ImmutableArray<int> Distances, ulong MemoryBytes);
