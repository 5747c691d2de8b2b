using System.Reflection;
using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>Maps the logical library names of the bindings to files of this machine.</summary>
internal static class NativeLibraryLocator
{
    internal const string C = "libc";

    /// <summary>POSIX shared memory: in librt before glibc 2.34, in the C library itself since then and with musl.</summary>
    internal const string Realtime = "librt";

    /// <summary>What <see cref="MpiLibrary"/> has loaded.</summary>
    internal const string Mpi = "libmpi";

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
        string[] candidates = name switch
        {
            C => ["libc.so.6", "libc"],
            Realtime => ["librt.so.1", "libc.so.6", "libc"],
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
