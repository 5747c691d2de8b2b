namespace CollectivesSharp.Interop;

/// <summary>What has been found so far; the state behind <see cref="NativeLibraryLocator"/>.</summary>
internal sealed class NativeLibraryRegistry(SearchSpace space)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<NativeLibraryKind, string> _paths = [];
    private readonly Dictionary<NativeLibraryKind, NativeLibrarySearchResult> _found = [];
    private readonly HashSet<NativeLibraryKind> _asking = [];
    private Func<NativeLibraryKind, nint>? _resolving;

    public event Func<NativeLibraryKind, nint>? Resolving
    {
        add
        {
            lock (_lock)
                _resolving += value;
        }

        remove
        {
            lock (_lock)
                _resolving -= value;
        }
    }

    public void SetPath(NativeLibraryKind kind, string? path)
    {
        NativeLibraryDescription library = NativeLibraryDescription.Of(kind);
        lock (_lock)
        {
            if (_found.TryGetValue(kind, out NativeLibrarySearchResult? found))
                throw new InvalidOperationException($"{library.Title} is already loaded from {found.Path ?? "an unknown file"}; name its path before the first use.");
            if (path is null)
                _paths.Remove(kind);
            else
                _paths[kind] = path;
        }
    }

    public NativeLibrarySearchResult Find(NativeLibraryKind kind)
    {
        NativeLibraryDescription library = NativeLibraryDescription.Of(kind);
        lock (_lock)
        {
            if (_found.TryGetValue(kind, out NativeLibrarySearchResult? found))
                return found;

            // A handler that itself needs the library must not be asked again, or it would never end.
            bool outermost = _asking.Add(kind);
            try
            {
                found = new NativeLibrarySearch(library, space).Run(_paths.GetValueOrDefault(kind), outermost ? _resolving : null);
            }
            finally
            {
                if (outermost)
                    _asking.Remove(kind);
            }

            if (found.Handle != 0)
                _found.TryAdd(kind, found);
            return found;
        }
    }
}
