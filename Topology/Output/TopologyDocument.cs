using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>What <see cref="TopologyJson"/> writes.</summary>
internal sealed record TopologyDocument(int Schema, MachineTopology Machine, ImmutableArray<string> Labels, ImmutableArray<string> AdapterNames, ImmutableArray<ImmutableArray<string>> Matrix);
