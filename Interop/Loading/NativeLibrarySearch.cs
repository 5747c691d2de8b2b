namespace CollectivesSharp.Interop;

/// <summary>One search for one library; keeps the trace.</summary>
internal sealed class NativeLibrarySearch(NativeLibraryDescription library, SearchSpace space)
{
    private readonly List<NativeLibraryAttempt> _trace = [];

    public NativeLibrarySearchResult Run(string? explicitPath, Func<NativeLibraryKind, nint>? resolving)
    {
        nint handle = Named("NativeLibraryLocator.SetPath", explicitPath, out bool named);
        if (!named)
            handle = FromHandlers(resolving);
        if (handle == 0 && !named)
            handle = Named(library.Variable, space.Variable(library.Variable), out named);
        if (handle == 0 && !named)
            handle = FirstOf(LoadedAlready, FromPip, library.BelongsToDriver ? FromLoader : FromToolkits, library.BelongsToDriver ? FromToolkits : FromLoader);

        string? path = handle == 0 ? null : PosixNative.FileOf(handle);
        if (path is not null)
            LoadBuiltins(path);
        return new(handle, path, _trace);
    }

    private static nint FirstOf(params ReadOnlySpan<Func<nint>> sources)
    {
        foreach (Func<nint> source in sources)
        {
            if (source() is not 0 and nint handle)
                return handle;
        }

        return 0;
    }

    /// <summary>A file or a folder that somebody asked for: used or an error.</summary>
    private nint Named(string source, string? path, out bool named)
    {
        named = !string.IsNullOrEmpty(path);
        if (!named)
        {
            Passed(source, "not set");
            return 0;
        }

        _trace.Add(new(source, $"set to {path}"));
        return Directory.Exists(path) ? FromFolder(path) : FromFile(Path.GetFullPath(path!));
    }

    private nint FromHandlers(Func<NativeLibraryKind, nint>? resolving)
    {
        foreach (Func<NativeLibraryKind, nint> handler in Delegate.EnumerateInvocationList(resolving))
        {
            nint handle = handler(library.Kind);
            Passed("NativeLibraryLocator.Resolving", handle == 0 ? "a handler passed" : "a handler loaded it");
            if (handle != 0)
                return handle;
        }

        return 0;
    }

    private nint LoadedAlready()
    {
        if (!space.HasLoader)
            return 0;
        foreach (string name in library.FileNames)
        {
            nint handle = PosixNative.Open(name, PosixNative.RTLD_LAZY | PosixNative.RTLD_NOLOAD, out _);
            Passed($"{name} in this process", handle == 0 ? "not loaded" : "loaded already");
            if (handle != 0)
                return handle;
        }

        return 0;
    }

    private nint FromPip()
    {
        if (library.PipFolders.Length == 0)
            return 0;
        int sites = 0;
        foreach (string site in space.PipFolders())
        {
            sites++;
            foreach (string folder in library.PipFolders.SelectMany(relative => FileNames.Expand(site, relative)))
            {
                if (FromFolder(folder) is not 0 and nint handle)
                    return handle;
            }
        }

        if (sites == 0)
            Passed("pip's packages", "no python's site-packages has a folder nvidia");
        return 0;
    }

    private nint FromToolkits()
    {
        foreach (string folder in space.ToolkitFolders())
        {
            if (FromFolder(folder) is not 0 and nint handle)
                return handle;
        }

        return 0;
    }

    private nint FromLoader()
    {
        if (!space.HasLoader)
            return 0;
        foreach (string name in library.FileNames)
        {
            nint handle = PosixNative.Open(name, PosixNative.RTLD_LAZY, out string? error);
            Passed($"{name} by the loader", handle == 0 ? error! : "loaded");
            if (handle != 0)
                return handle;
        }

        return 0;
    }

    private nint FromFolder(string folder)
    {
        if (!Directory.Exists(folder))
        {
            Passed(folder, "the folder does not exist");
            return 0;
        }

        bool any = false;
        foreach (string file in library.FileNames.Select(name => Path.Combine(folder, name)).Where(File.Exists))
        {
            any = true;
            if (FromFile(file) is not 0 and nint handle)
                return handle;
        }

        if (!any)
            Passed(folder, $"has no {string.Join(" or ", library.FileNames)}");
        return 0;
    }

    private nint FromFile(string file)
    {
        if (!File.Exists(file))
        {
            Passed(file, "does not exist");
            return 0;
        }

        if (ElfHeader.Unfit(file) is { } reason)
        {
            Passed(file, reason);
            return 0;
        }

        LoadBuiltins(file);
        nint handle = PosixNative.Open(file, PosixNative.RTLD_LAZY, out string? error);
        Passed(file, handle == 0 ? $"could not be loaded: {error}" : "loaded");
        return handle;
    }

    /// <summary>
    /// NVRTC opens its builtins by name, only when it compiles; outside the loader's folders that fails, unless they are in the process. All versions
    /// beside it are loaded: pip's file does not tell its own, and those that are not asked for cost an mmap.
    /// </summary>
    private void LoadBuiltins(string file)
    {
        if (library.BuiltinsPrefix is not { } prefix || Path.GetDirectoryName(file) is not { Length: > 0 } folder)
            return;
        foreach (string builtins in FileNames.NewestFirst(FileNames.Files(folder, prefix + "*")))
        {
            if (PosixNative.Open(builtins, PosixNative.RTLD_LAZY, out string? error) == 0)
                Passed(builtins, $"could not be loaded before NVRTC: {error}");
        }
    }

    private void Passed(string place, string outcome) => _trace.Add(new(place, outcome));
}
