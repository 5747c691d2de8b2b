using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>Interfaces that the kernel joins into one.</summary>
/// <param name="Name">bond0.</param>
/// <param name="Mode">802.3ad, active-backup, as the kernel writes it.</param>
/// <param name="Members">Interface names.</param>
/// <param name="Up">Whether the bond runs.</param>
public sealed record NetworkBond(string Name, string Mode, ImmutableArray<string> Members, bool Up);
