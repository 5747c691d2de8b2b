using System.Collections.Frozen;
using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>Which of a library's newer functions the one at hand has.</summary>
internal sealed class FeatureTable(NativeLibraryKind kind, Func<string> found, params ReadOnlySpan<(string Version, string[] Functions)> releases)
{
    /// <summary>Function to the first version that has it.</summary>
    public FrozenDictionary<string, string> Since { get; } = Flatten(releases);

    /// <summary>Whether the library is there and exports the function.</summary>
    public bool Has(string function)
    {
        ArgumentException.ThrowIfNullOrEmpty(function);
        return NativeLibraryLocator.TryFind(kind, out _, out nint handle, out _) && NativeLibrary.TryGetExport(handle, function, out _);
    }

    public EntryPointNotFoundException Missing(string function, Exception inner)
    {
        NativeLibraryDescription library = NativeLibraryDescription.Of(kind);
        NativeLibraryLocator.TryFind(kind, out string? path, out _, out _);
        return new($"{found()} at {path ?? "an unknown path"} has no {function}; {Since[function]} or newer has it. {library.Variable} names another file.", inner);
    }

    private static FrozenDictionary<string, string> Flatten(ReadOnlySpan<(string Version, string[] Functions)> releases)
    {
        var since = new Dictionary<string, string>();
        foreach ((string version, string[] functions) in releases)
        {
            foreach (string function in functions)
                since.Add(function, version);
        }

        return since.ToFrozenDictionary();
    }
}
