using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class PosixNative
{
    public const int O_RDONLY = 0x0;
    public const int O_NOCTTY = 0x100;
    public const int O_NONBLOCK = 0x800;

    /// <summary>Without O_CREAT, whose third argument is left out here. <paramref name="path"/> is null-terminated.</summary>
    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int open(byte* path, int flags);
}
