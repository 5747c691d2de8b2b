using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>Our structs and constants against what a C compiler saw in the real headers: abi/layout-*.json, printed by abi/probe.c.</summary>
public sealed partial class LayoutTests
{
    /// <summary>Newer than every header that was probed; remove an entry once a layout has it.</summary>
    private static readonly string[] s_unverified =
    [
        "ncclTimeout",
        "nvmlGpuFabricInfo_v3_t",
        "ncclConfig_t.maxP2pPeers",
        "ncclConfig_t.graphStreamOrdering",
        "ncclConfig_t.launchOrderImplicit",
        "ncclConfig_t.numRmaSig",
        "ncclConfig_t.rmaEagerInit",
        "ncclConfig_t.hostCftMode",
        "ncclConfig_t.nvlsHostMode",
    ];

    public static TheoryData<string> Layouts => [.. LayoutFiles.Select(file => Path.GetFileName(file))];

    private static string[] LayoutFiles => [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "abi"), "layout-*.json").Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Structs_have_the_size_and_offsets_that_c_gives_them(string layout)
    {
        JsonElement probed = Read(layout).GetProperty("structs");
        var wrong = new List<string>();

        foreach (Type type in Bindings.Structs)
        {
            if (!probed.TryGetProperty(type.Name, out JsonElement members))
                continue;
            bool appended = false;
            foreach ((string name, int offset) in Fields(type))
            {
                if (!members.TryGetProperty(name, out JsonElement expected))
                    appended = true;
                else if (expected.GetInt32() != offset)
                    wrong.Add($"{type.Name}.{name} is at {offset}, in C at {expected}");
            }

            // A struct that NCCL appends to may be larger than an older header's.
            int size = Size(type), inC = members.GetProperty("").GetInt32();
            if (appended ? size < inC : size != inC)
                wrong.Add($"{type.Name} has {size} bytes, in C {inC}");
        }

        Assert.Empty(wrong);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Constants_have_the_values_that_c_gives_them(string layout)
    {
        JsonElement probed = Read(layout).GetProperty("constants");
        IEnumerable<string> wrong = Bindings.Constants
            .Where(constant => probed.TryGetProperty(constant.Key, out JsonElement value) && value.GetInt64() != constant.Value)
            .Select(constant => $"{constant.Key} is {constant.Value}, in C {probed.GetProperty(constant.Key)}");

        Assert.Empty(wrong);
    }

    [Fact]
    public void What_no_header_has_confirmed_is_listed()
    {
        JsonElement[] layouts = [.. LayoutFiles.Select(Read)];
        IEnumerable<string> structs = Bindings.Structs.Where(type => !layouts.Any(layout => layout.GetProperty("structs").TryGetProperty(type.Name, out _))).Select(type => type.Name);
        IEnumerable<string> fields = Bindings.Structs.SelectMany(type => Fields(type).Select(field => (Type: type.Name, field.Name)))
            .Where(field => layouts.Any(layout => layout.GetProperty("structs").TryGetProperty(field.Type, out _))
                && !layouts.Any(layout => layout.GetProperty("structs").TryGetProperty(field.Type, out JsonElement members) && members.TryGetProperty(field.Name, out _)))
            .Select(field => $"{field.Type}.{field.Name}");
        IEnumerable<string> constants = Bindings.Constants.Select(constant => constant.Key).Where(name => !layouts.Any(layout => layout.GetProperty("constants").TryGetProperty(name, out _)));

        Assert.Equal(s_unverified.Order(StringComparer.Ordinal), structs.Concat(fields).Concat(constants).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_probe_asks_for_every_bound_name_and_no_other()
    {
        string probe = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "abi", "probe.c"));
        var asked = new List<string>();
        string current = "";
        foreach (Match line in ProbeLine().Matches(probe))
        {
            string name = line.Groups["name"].Value;
            if (line.Groups["kind"].Value == "FIELD")
                asked.Add($"{current}.{Normalize(name)}");
            else
                asked.Add(current = name);
        }

        IEnumerable<string> bound = Bindings.Structs.SelectMany(type => Fields(type).Select(field => $"{type.Name}.{field.Name}").Prepend(type.Name))
            .Concat(Bindings.Constants.Select(constant => constant.Key));
        Assert.Equal(bound.Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^ +(?<kind>STRUCT|STRUCT_AS|FIELD|CONSTANT)\((?:(?<=FIELD\()[^,]+, )?(?<name>[\w.]+)(?:, [^)]*)?\)", RegexOptions.Multiline)]
    private static partial Regex ProbeLine();

    private static JsonElement Read(string layout)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "abi", layout)));
        var names = new Dictionary<string, object>();
        foreach (JsonProperty section in document.RootElement.EnumerateObject())
        {
            names[section.Name] = section.Value.EnumerateObject().ToDictionary(
                entry => entry.Name,
                entry => entry.Value.ValueKind == JsonValueKind.Object
                    ? (object)entry.Value.EnumerateObject().ToDictionary(member => Normalize(member.Name), member => member.Value.GetInt64())
                    : entry.Value.GetInt64());
        }

        return JsonSerializer.SerializeToElement(names);
    }

    /// <summary>C's member of a member (clusterDim.x) is one field here (clusterDim_x).</summary>
    private static string Normalize(string member) => member.Replace('.', '_');

    /// <summary>Reserved members are not compared: newer headers put them to use.</summary>
    private static IEnumerable<(string Name, int Offset)> Fields(Type type) =>
        type.GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Public)
            .Where(field => !field.Name.EndsWith("reserved", StringComparison.Ordinal))
            .Select(field => (field.Name, (int)Marshal.OffsetOf(type, field.Name)));

    private static int Size(Type type) => Marshal.SizeOf(type);
}
