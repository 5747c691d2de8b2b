using System.Runtime.InteropServices;
using System.Text;

namespace CollectivesSharp.Interop;

/// <summary>Finds the libmpi of this machine and tells the two binary interfaces apart; loading starts nothing.</summary>
public static unsafe class MpiLibrary
{
    private static readonly Lock s_lock = new();

    /// <summary>The loaded library's interface; null before <see cref="Load"/> has succeeded.</summary>
    public static MpiAbi? Abi { get; private set; }

    /// <summary>What was opened, as it was given to the loader.</summary>
    public static string Path { get; private set; } = "";

    /// <summary>The first line of what MPI_Get_library_version says.</summary>
    public static string Version { get; private set; } = "";

    internal static nint Handle { get; private set; }

    /// <summary>
    /// Loads once a process: <paramref name="path"/> and nothing else if given, else the first of <paramref name="names"/> that is in the process already, else the first one
    /// that the loader finds. Throws <see cref="DllNotFoundException"/> that lists what was tried and why each was not it.
    /// </summary>
    public static void Load(string? path, IReadOnlyList<string> names)
    {
        lock (s_lock)
        {
            if (Abi is not null)
                return;
            List<string> tried = [];
            string[] candidates = path is null ? [.. names] : [path];
            if (TryAll(candidates, PosixNative.RTLD_NOLOAD, null) || TryAll(candidates, 0, tried))
                return;
            throw new DllNotFoundException($"No MPI library. Tried {string.Join("; ", tried)}.");
        }
    }

    /// <summary>RTLD_GLOBAL: Open MPI's plug-ins expect its symbols in the process, and don't name the library that has them.</summary>
    private static bool TryAll(string[] candidates, int flags, List<string>? tried)
    {
        foreach (string candidate in candidates)
        {
            nint handle = PosixNative.Open(candidate, PosixNative.RTLD_NOW | PosixNative.RTLD_GLOBAL | flags, out string? error);
            string? objection = handle == 0 ? error : Recognise(candidate, handle);
            if (objection is null)
                return true;
            tried?.Add($"{candidate} ({objection})");
        }

        return false;
    }

    /// <summary>Null: it is an MPI, and remembered. The handle of anything else stays open: other code may have got it meanwhile.</summary>
    private static string? Recognise(string candidate, nint handle)
    {
        if (!NativeLibrary.TryGetExport(handle, "MPI_Init_thread", out _) || !NativeLibrary.TryGetExport(handle, "MPI_Get_library_version", out nint getVersion))
            return "it has no MPI_Init_thread: no MPI library";
        byte* text = stackalloc byte[MpiAbi.MaxStringBytes];
        int length = 0;
        int error = ((delegate* unmanaged<byte*, int*, int>)getVersion)(text, &length);
        string version = error == MpiAbi.MPI_SUCCESS ? Encoding.UTF8.GetString(text, Math.Clamp(length, 0, MpiAbi.MaxStringBytes)).TrimEnd('\0').Split('\n')[0].Replace('\t', ' ').Trim() : $"error {error}";
        bool openMpi = NativeLibrary.TryGetExport(handle, "ompi_mpi_comm_world", out _);
        if (!openMpi && !IsMpich(version))
            return $"it calls itself \"{version}\", neither Open MPI nor of MPICH's family";
        Handle = handle;
        Path = candidate;
        Version = version;
        Abi = openMpi ? MpiAbi.OpenMpi(handle) : MpiAbi.Mpich;
        return null;
    }

    private static bool IsMpich(string version) =>
        ((ReadOnlySpan<string>)["MPICH", "Intel", "MVAPICH"]).ContainsAnyIn(version);

    private static bool ContainsAnyIn(this ReadOnlySpan<string> names, string text)
    {
        foreach (string name in names)
        {
            if (text.Contains(name, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }
}
