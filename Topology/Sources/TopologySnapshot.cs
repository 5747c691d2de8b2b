using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace CollectivesSharp.Topology;

/// <summary>
/// A machine in a folder: tree.txt (the files that detection looked at, one a line) and nvml.json (what NVML answered). Everything that reads a topology takes one for
/// a machine, so a report can be looked at elsewhere.
/// </summary>
public sealed class TopologySnapshot
{
    public const string TreeFile = "tree.txt";
    public const string NvmlFile = "nvml.json";

    /// <summary>Of either file.</summary>
    private const int MaxBytes = 16 << 20;

    private readonly FileTree _files;
    private readonly NvmlSnapshot _nvml;

    internal TopologySnapshot(string tree, string? nvml)
        : this(tree, Parse(nvml))
    {
    }

    internal TopologySnapshot(string tree, NvmlSnapshot nvml)
    {
        _files = new RecordedFileTree(tree);
        _nvml = nvml;
    }

    /// <summary>Opens what <see cref="Record"/> wrote. Never throws: what is missing becomes a warning of the topology.</summary>
    internal static TopologySnapshot Open(string folder) => new(Read(Path.Combine(folder, TreeFile)) ?? "", Read(Path.Combine(folder, NvmlFile)));

    /// <summary>
    /// Detects this machine (or what <paramref name="options"/> point at) and writes the files and answers used into <paramref name="folder"/>, which is made if it is
    /// missing. Host names do not occur in them; UUIDs, GUIDs, MAC and GID addresses are replaced by others, equal ones by equal ones.
    /// </summary>
    /// <exception cref="IOException">The folder can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static void Record(string folder, TopologyOptions? options = null)
    {
        options ??= new TopologyOptions();
        RecordingFileTree files = new(options.Snapshot is { } from ? Open(from)._files : new DiskFileTree(options.Root));
        NvmlSnapshot nvml = options.Snapshot is { } source ? Open(source)._nvml : options.IsThisMachine ? NvmlReader.Read() : new NvmlSnapshot { Error = "not asked: the files are not this machine's" };
        _ = Detector.Detect(files, nvml, options);
        Pseudonyms pseudonyms = new();
        StringBuilder tree = new();
        foreach ((string path, string entry) in files.Lines)
            tree.Append(path).Append('\t').Append(pseudonyms.Replace(path, entry)).Append('\n');
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, TreeFile), tree.ToString());
        File.WriteAllText(Path.Combine(folder, NvmlFile), pseudonyms.ReplaceUuids(JsonSerializer.Serialize(nvml, NvmlJson.Indented)) + "\n");
    }

    internal MachineTopology Detect(TopologyOptions options) => Detector.Detect(_files, _nvml, options);

    private static NvmlSnapshot Parse(string? text)
    {
        try
        {
            return text is null ? new NvmlSnapshot { Error = $"the snapshot has no {NvmlFile}" } : JsonSerializer.Deserialize(text, NvmlJson.Default.NvmlSnapshot) ?? new NvmlSnapshot { Error = $"{NvmlFile} is empty" };
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            return new NvmlSnapshot { Error = $"{NvmlFile} can't be read: {e.Message}" };
        }
    }

    private static string? Read(string path)
    {
        try
        {
            FileInfo file = new(path);
            if (!file.Exists || file.Length > MaxBytes)
                return null;
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }
}
