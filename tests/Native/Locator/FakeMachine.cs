using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Native.Locator;

/// <summary>A machine in a temporary folder: its own system folders, variables and libraries, and no loader.</summary>
internal sealed class FakeMachine : IDisposable
{
    private readonly Dictionary<string, string> _variables = [];

    public FakeMachine()
    {
        Space = new(Root, _variables.GetValueOrDefault, HasLoader: false);
        Registry = new(Space);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("collectives-locator-").FullName;

    public SearchSpace Space { get; }

    public NativeLibraryRegistry Registry { get; }

    public string? this[string variable]
    {
        set
        {
            if (value is null)
                _variables.Remove(variable);
            else
                _variables[variable] = value;
        }
    }

    /// <summary>A library that loads: the runtime's own, under another name.</summary>
    public string Library(params ReadOnlySpan<string> path)
    {
        string file = Place(path);
        File.Copy(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so"), file);
        return file;
    }

    public string TextFile(string content, params ReadOnlySpan<string> path)
    {
        string file = Place(path);
        File.WriteAllText(file, content);
        return file;
    }

    public string Place(params ReadOnlySpan<string> path)
    {
        string file = Path.Combine([Root, .. path]);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return file;
    }

    public NativeLibraryNotFoundException Failure(NativeLibraryKind kind) => new(kind, Registry.Find(kind).Trace);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
