using System.Reflection;
using System.Runtime.InteropServices;
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
        "ncclConfig_t.maxP2pPeers",
        "ncclConfig_t.graphStreamOrdering",
        "ncclConfig_t.launchOrderImplicit",
        "ncclConfig_t.numRmaSig",
        "ncclConfig_t.rmaEagerInit",
        "ncclConfig_t.hostCftMode",
        "ncclConfig_t.nvlsHostMode",
    ];

    public static TheoryData<string> Layouts => [.. Layout.Files];

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Structs_and_their_fields_have_the_places_and_sizes_that_c_gives_them(string layout)
    {
        Layout probed = Layout.Read(layout);
        var wrong = new List<string>();

        foreach (Type type in Bindings.Structs.Where(type => probed.Structs.ContainsKey(type.Name)))
        {
            Dictionary<string, (int Offset, int Size)> members = probed.Structs[type.Name];
            (string Name, int Offset, int Size)[] fields = [.. Fields(type)];
            wrong.AddRange(fields.Where(field => members.TryGetValue(field.Name, out var inC) && inC != (field.Offset, field.Size))
                .Select(field => $"{type.Name}.{field.Name} has (offset, size) {(field.Offset, field.Size)}, in C {members[field.Name]}"));

            // A struct that NCCL appends to may be larger than an older header's.
            bool appended = fields.Any(field => !members.ContainsKey(field.Name));
            (int size, int sizeInC) = (Marshal.SizeOf(type), members[""].Size);
            if (appended ? size < sizeInC : size != sizeInC)
                wrong.Add($"{type.Name} has {size} bytes, in C {sizeInC}");
        }

        Expect.None(wrong);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Constants_have_the_values_that_c_gives_them(string layout)
    {
        Layout probed = Layout.Read(layout);

        Expect.None(Bindings.Constants.Where(constant => probed.Constants.TryGetValue(constant.Key, out long value) && value != constant.Value)
            .Select(constant => $"{constant.Key} is {constant.Value}, in C {probed.Constants[constant.Key]}"));
    }

    [Fact]
    public void What_no_header_has_confirmed_is_listed()
    {
        Layout[] layouts = [.. Layout.Files.Select(Layout.Read)];
        bool Confirmed(Func<Layout, bool> by) => layouts.Any(by);
        IEnumerable<string> structs = Bindings.Structs.Select(type => type.Name).Where(name => !Confirmed(layout => layout.Structs.ContainsKey(name)));
        IEnumerable<string> fields = Bindings.Structs.Where(type => Confirmed(layout => layout.Structs.ContainsKey(type.Name)))
            .SelectMany(type => Fields(type).Where(field => !Confirmed(layout => layout.Structs.GetValueOrDefault(type.Name)?.ContainsKey(field.Name) == true))
                .Select(field => $"{type.Name}.{field.Name}"));
        IEnumerable<string> constants = Bindings.Constants.Select(constant => constant.Key).Where(name => !Confirmed(layout => layout.Constants.ContainsKey(name)));

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
                asked.Add($"{current}.{Layout.Flat(name)}");
            else
                asked.Add(current = name);
        }

        IEnumerable<string> bound = Bindings.Structs.SelectMany(type => Fields(type).Select(field => $"{type.Name}.{field.Name}").Prepend(type.Name))
            .Concat(Bindings.Constants.Select(constant => constant.Key));
        Assert.Equal(bound.Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^ +(?<kind>STRUCT|STRUCT_AS|FIELD|CONSTANT)\((?:(?<=FIELD\()[^,]+, )?(?<name>[\w.]+)(?:, [^)]*)?\)", RegexOptions.Multiline)]
    private static partial Regex ProbeLine();

    /// <summary>Reserved members are not compared: newer headers put them to use.</summary>
    private static IEnumerable<(string Name, int Offset, int Size)> Fields(Type type) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public)
            .Where(field => !field.Name.EndsWith("reserved", StringComparison.Ordinal))
            .Select(field => (field.Name, (int)Marshal.OffsetOf(type, field.Name), Size(field.FieldType)));

    private static int Size(Type type) =>
        type.IsPointer || type.IsFunctionPointer ? nint.Size : Marshal.SizeOf(type.IsEnum ? type.GetEnumUnderlyingType() : type);
}
