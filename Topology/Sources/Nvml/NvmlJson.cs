using System.Text.Json.Serialization;

namespace CollectivesSharp.Topology;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, ReadCommentHandling = System.Text.Json.JsonCommentHandling.Skip, AllowTrailingCommas = true)]
[JsonSerializable(typeof(NvmlSnapshot))]
internal sealed partial class NvmlJson : JsonSerializerContext
{
    private static NvmlJson? s_indented;

    internal static System.Text.Json.Serialization.Metadata.JsonTypeInfo<NvmlSnapshot> Indented => (s_indented ??= new NvmlJson(new System.Text.Json.JsonSerializerOptions(Default.Options) { WriteIndented = true })).NvmlSnapshot;
}
