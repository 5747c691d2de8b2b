using System.Text.Json;
using System.Text.Json.Serialization;

namespace CollectivesSharp.Topology;

internal sealed class PciAddressConverter : JsonConverter<PciAddress>
{
    public override PciAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        PciAddress.TryParse(reader.GetString(), out PciAddress address) ? address : throw new JsonException("expected a PCI address such as 0000:1b:00.0");

    public override void Write(Utf8JsonWriter writer, PciAddress value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
