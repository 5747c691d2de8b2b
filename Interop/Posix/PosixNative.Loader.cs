using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class PosixNative
{
    public const int RTLD_LAZY = 0x1;
    public const int RTLD_NOW = 0x2;
    public const int RTLD_NOLOAD = 0x4;
    public const int RTLD_GLOBAL = 0x100;

    /// <summary>0 on failure; <see cref="dlerror"/> tells why.</summary>
    public static nint dlopen(string filename, int flags)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(filename);
        try
        {
            return ((delegate* unmanaged<nint, int, nint>)Loader.Open)(name, flags);
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
        }
    }

    /// <summary>What went wrong in the last call of this thread, or null.</summary>
    public static string? dlerror() => Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Loader.Error)());

    /// <summary>The C library's environment, which native libraries read; .NET's own copy is apart from it.</summary>
    [LibraryImport(NativeLibraryLocator.C, StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int setenv(string name, string value, int overwrite);

    /// <summary>Looked up once, both before the first use: a look-up is a call of the loader too, and would take the place of the error that is asked for.</summary>
    private static class Loader
    {
        internal static readonly nint Error = Find("dlerror");
        internal static readonly nint Open = Find("dlopen");

        /// <summary>In libdl before glibc 2.34, in the C library itself since then and with musl.</summary>
        private static nint Find(string name)
        {
            foreach (string library in (ReadOnlySpan<string>)["libc.so.6", "libdl.so.2", "libc"])
            {
                if (NativeLibrary.TryLoad(library, out nint handle) && NativeLibrary.TryGetExport(handle, name, out nint function))
                    return function;
            }

            throw new EntryPointNotFoundException($"The C library has no {name}.");
        }
    }
}
