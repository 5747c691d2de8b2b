using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class PosixNative
{
    public const int RTLD_LAZY = 0x1;
    public const int RTLD_NOW = 0x2;
    public const int RTLD_NOLOAD = 0x4;
    public const int RTLD_GLOBAL = 0x100;
    public const int RTLD_DI_LINKMAP = 2;

    [LibraryImport(NativeLibraryLocator.DynamicLinking)]
    public static partial nint dlopen(byte* filename, int flags);

    [LibraryImport(NativeLibraryLocator.DynamicLinking)]
    public static partial int dlclose(nint handle);

    /// <summary>The text of this thread's last error, null if there was none since the last call.</summary>
    [LibraryImport(NativeLibraryLocator.DynamicLinking)]
    public static partial byte* dlerror();

    [LibraryImport(NativeLibraryLocator.DynamicLinking)]
    public static partial int dlinfo(nint handle, int request, void* info);

    /// <summary>dlopen; 0 and the loader's text where that fails.</summary>
    internal static nint Open(string file, int flags, out string? error)
    {
        // Binds dlerror before it is needed (binding it may itself call dlopen), and clears an older text.
        _ = dlerror();
        nint handle;
        fixed (byte* name = NullTerminated(file))
            handle = dlopen(name, flags);
        error = handle != 0 ? null : Marshal.PtrToStringUTF8((nint)dlerror()) ?? "dlopen gave no reason";
        return handle;
    }

    /// <summary>The file that a handle of dlopen stands for, as the loader opened it; null for the program itself.</summary>
    internal static string? FileOf(nint handle)
    {
        link_map* map;
        return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && Marshal.PtrToStringUTF8((nint)map->l_name) is { Length: > 0 } file ? file : null;
    }
}
