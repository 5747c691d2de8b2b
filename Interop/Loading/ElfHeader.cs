using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>What a library's first bytes tell that the loader's message does not.</summary>
internal static class ElfHeader
{
    private const int Size = 20;

    /// <summary>Null for a library of this process's architecture, otherwise why it is none.</summary>
    public static string? Unfit(string path)
    {
        Span<byte> header = stackalloc byte[Size];
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.ReadAtLeast(header, Size, throwOnEndOfStream: false) < Size || !header.StartsWith("\u007FELF"u8))
                return "is no library (no ELF header)";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return $"can't be read: {unreadable.Message}";
        }

        string found = Name(BinaryPrimitives.ReadUInt16LittleEndian(header[18..]), header[4]);
        string own = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "x86-64",
            Architecture.Arm64 => "arm64",
            _ => found,
        };
        return found == own ? null : $"wrong architecture: the file is for {found}, this process is {own}";
    }

    private static string Name(ushort machine, byte elfClass) => machine switch
    {
        62 when elfClass == 2 => "x86-64",
        183 => "arm64",
        3 => "x86 (32 bits)",
        _ => $"ELF machine {machine}",
    };
}
