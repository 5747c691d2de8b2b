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
            return ((delegate* unmanaged<nint, int, nint>)LoaderFunction("dlopen"))(name, flags);
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
        }
    }

    /// <summary>What went wrong in the last call of this thread, or null.</summary>
    public static string? dlerror() => Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)LoaderFunction("dlerror"))());

    /// <summary>The C library's environment, which native libraries read; .NET's own copy is apart from it.</summary>
    [LibraryImport(NativeLibraryLocator.C, StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int setenv(string name, string value, int overwrite);

    /// <summary>In libdl before glibc 2.34, in the C library itself since then and with musl.</summary>
    private static nint LoaderFunction(string name)
    {
        foreach (string library in (ReadOnlySpan<string>)["libc.so.6", "libdl.so.2", "libc"])
        {
            if (NativeLibrary.TryLoad(library, out nint handle) && NativeLibrary.TryGetExport(handle, name, out nint function))
                return function;
        }

        throw new EntryPointNotFoundException($"The C library has no {name}.");
    }
}
