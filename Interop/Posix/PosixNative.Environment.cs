using System.Runtime.InteropServices;
using System.Text;

namespace CollectivesSharp.Interop;

public static unsafe partial class PosixNative
{
    /// <summary>
    /// Sets the C library's variable, which native code reads: .NET works on a copy, and what <see cref="Environment"/> sets never reaches it.
    /// Null removes. Races with native threads that read the environment: call before the library that is to see it starts.
    /// </summary>
    public static void SetEnvironment(string name, string? value)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        fixed (byte* key = NullTerminated(name), text = NullTerminated(value ?? ""))
        {
            if ((value is null ? unsetenv(key) : setenv(key, text, 1)) != 0)
                throw new ArgumentException($"The environment variable '{name}' could not be set: {Describe(Errno)}.", nameof(name));
        }
    }

    /// <summary>What native code would read; null if not set.</summary>
    public static string? GetEnvironment(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        fixed (byte* key = NullTerminated(name))
            return Marshal.PtrToStringUTF8((nint)getenv(key));
    }

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int setenv(byte* name, byte* value, int overwrite);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int unsetenv(byte* name);

    [LibraryImport(NativeLibraryLocator.C)]
    public static partial byte* getenv(byte* name);

    private static byte[] NullTerminated(string text) => Encoding.UTF8.GetBytes(text + '\0');
}
