using System.Reflection;
using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>
/// Finds the native libraries of this machine. In this order: the path that <see cref="SetPath"/> named, the handlers of
/// <see cref="Resolving"/>, COLLECTIVES_{CUDA,NVRTC,NCCL,NVML}_PATH (a file or a folder), what the process has loaded already, pip's folders
/// (VIRTUAL_ENV, CONDA_PREFIX, the python3 on PATH, the user's), toolkit and system folders, the loader's own search. For the driver's libraries,
/// which belong to the kernel module, the loader comes before folders. A path that was named and can't be used ends the search: nothing else is taken in its stead.
/// Thread-safe. A library that was found stays; one that was not is looked for again by the next call.
/// </summary>
public static class NativeLibraryLocator
{
    internal const string C = "libc";

    /// <summary>POSIX shared memory: in librt before glibc 2.34, in the C library itself since then and with musl.</summary>
    internal const string Realtime = "librt";

    /// <summary>What <see cref="MpiLibrary"/> has loaded.</summary>
    internal const string Mpi = "libmpi";

    /// <summary>dlopen and its like: in libdl before glibc 2.34.</summary>
    internal const string DynamicLinking = "libdl";

    internal const string Cuda = "cuda";
    internal const string Nvrtc = "nvrtc";
    internal const string Nccl = "nccl";
    internal const string Nvml = "nvml";

    private static readonly NativeLibraryRegistry s_registry = new(SearchSpace.Machine);

    /// <summary>
    /// Raised when a library is first needed, before any search of our own; the first handler that returns a handle (of
    /// <see cref="NativeLibrary.Load(string)"/>) wins, 0 passes. A handler runs under the locator's lock and is not asked again
    /// for what it itself asks for.
    /// </summary>
    public static event Func<NativeLibraryKind, nint>? Resolving
    {
        add => s_registry.Resolving += value;
        remove => s_registry.Resolving -= value;
    }

    /// <summary>Names the file of a library; null withdraws. Before its first use: throws <see cref="InvalidOperationException"/> once it is loaded.</summary>
    public static void SetPath(NativeLibraryKind kind, string? path) => s_registry.SetPath(kind, path);

    /// <summary>
    /// Loads the library unless that was done, without throwing where it is not to be had. <paramref name="path"/> is its file, null if there is none or the loader
    /// does not tell; <paramref name="trace"/> lists what was tried until it was found.
    /// </summary>
    public static bool TryFind(NativeLibraryKind kind, out string? path, out nint handle, out IReadOnlyList<NativeLibraryAttempt> trace)
    {
        NativeLibrarySearchResult result = s_registry.Find(kind);
        (path, handle, trace) = (result.Path, result.Handle, result.Trace);
        return handle != 0;
    }

    /// <summary>As <see cref="TryFind"/>; throws <see cref="NativeLibraryNotFoundException"/>, which lists what was tried.</summary>
    public static nint Find(NativeLibraryKind kind) =>
        TryFind(kind, out _, out nint handle, out IReadOnlyList<NativeLibraryAttempt> trace) ? handle : throw new NativeLibraryNotFoundException(kind, trace);

    /// <summary>Registers the resolver once; the native classes' static constructors call it before their first import is bound.</summary>
    internal static void EnsureRegistered() => _ = Registration.Done;

    private static class Registration
    {
        internal static readonly bool Done = Register();

        private static bool Register()
        {
            NativeLibrary.SetDllImportResolver(typeof(NativeLibraryLocator).Assembly, Resolve);
            return true;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name == Mpi)
            return MpiLibrary.Handle != 0 ? MpiLibrary.Handle : throw new DllNotFoundException($"{nameof(MpiLibrary)}.{nameof(MpiLibrary.Load)} comes before the first call of MPI.");
        if (NativeLibraryDescription.Named(name) is { } library)
            return Find(library.Kind);
        string[] candidates = name switch
        {
            C => ["libc.so.6", "libc"],
            Realtime => ["librt.so.1", "libc.so.6", "libc"],
            DynamicLinking => ["libdl.so.2", "libc.so.6", "libc"],
            _ => [],
        };
        foreach (string candidate in candidates)
        {
            if (NativeLibrary.TryLoad(candidate, assembly, searchPath, out nint handle))
                return handle;
        }

        return 0;
    }
}
