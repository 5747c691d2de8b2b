using System.Text.Json;

namespace CollectivesSharp.Native;

/// <summary>One file that abi/probe.c printed: for each struct its members' places ("" is the struct itself), for each constant its value.</summary>
internal sealed record Layout(Dictionary<string, Dictionary<string, (int Offset, int Size)>> Structs, Dictionary<string, long> Constants)
{
    public static IEnumerable<string> Files =>
        Directory.GetFiles(Folder, "layout-*.json").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal);

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "abi");

    public static Layout Read(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, file)));
        return new(
            document.RootElement.GetProperty("structs").EnumerateObject().ToDictionary(
                structure => structure.Name,
                structure => structure.Value.EnumerateObject().ToDictionary(member => Flat(member.Name), member => (member.Value[0].GetInt32(), member.Value[1].GetInt32()))),
            document.RootElement.GetProperty("constants").EnumerateObject().ToDictionary(constant => constant.Name, constant => constant.Value.GetInt64()));
    }

    /// <summary>C's member of a member (clusterDim.x) is one field here (clusterDim_x).</summary>
    public static string Flat(string member) => member.Replace('.', '_');
}
