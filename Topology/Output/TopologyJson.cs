using System.Text.Json;
using System.Text.Json.Serialization;

namespace CollectivesSharp.Topology;

/// <summary>A topology as JSON: the model's names in camel case, enums by name, addresses and versions as text.</summary>
public static class TopologyJson
{
    /// <summary>Grows by members; a number changes only if one is taken away or changes its meaning.</summary>
    public const int Schema = 1;

    public static string Write(MachineTopology topology)
    {
        ArgumentNullException.ThrowIfNull(topology);
        TopologyMatrix matrix = new(topology);
        return JsonSerializer.Serialize(new TopologyDocument(Schema, topology, matrix.Labels, matrix.AdapterNames, matrix.Rows), TopologyJsonContext.Default.TopologyDocument);
    }
}
