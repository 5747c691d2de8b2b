using System.Text.Json.Serialization;

namespace CollectivesSharp;

[JsonSerializable(typeof(RankTopology))]
internal sealed partial class GroupTopologyJson : JsonSerializerContext;
