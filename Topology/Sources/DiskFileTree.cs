using System.Runtime.InteropServices;
using System.Text;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Topology;

/// <summary>A folder of a file system, "/" or a copy's root.</summary>
internal sealed unsafe class DiskFileTree(string root) : FileTree
{
    private readonly string _root = root.TrimEnd('/');

    internal override FileEntry Look(string path)
    {
        try
        {
            FileInfo file = new(_root + path);
            if (file.LinkTarget is { } target)
                return new FileEntry(FileEntryKind.Link, target);
            return (int)file.Attributes == -1 ? new FileEntry(FileEntryKind.Missing)
                : new FileEntry(file.Attributes.HasFlag(FileAttributes.Directory) ? FileEntryKind.Folder : FileEntryKind.File);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Problems.TryAdd(path, e.Message);
            return new FileEntry(FileEntryKind.Missing);
        }
    }

    internal override byte[]? ReadBytes(string path, out string? problem)
    {
        // Not File.Open: it would wait for the other end of a pipe, and ask a device for its length.
        int file;
        fixed (byte* name = Encoding.UTF8.GetBytes(_root + path + '\0'))
            file = PosixNative.open(name, PosixNative.O_RDONLY | PosixNative.O_NONBLOCK | PosixNative.O_CLOEXEC | PosixNative.O_NOCTTY);
        if (file < 0)
        {
            problem = Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
            return null;
        }

        try
        {
            byte[] bytes = new byte[4096];
            int length = 0;
            while (true)
            {
                nint read;
                fixed (byte* to = bytes)
                    read = PosixNative.read(file, to + length, (nuint)(bytes.Length - length));
                if (read < 0)
                {
                    problem = Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
                    return null;
                }

                length += (int)read;
                if (read == 0 || length > MaxBytes)
                    break;
                if (length == bytes.Length)
                    Array.Resize(ref bytes, Math.Min(bytes.Length * 4, MaxBytes + 1));
            }

            problem = null;
            return bytes[..length];
        }
        finally
        {
            _ = PosixNative.close(file);
        }
    }

    internal override IReadOnlyList<string>? Names(string path, out string? problem)
    {
        try
        {
            problem = null;
            return [.. Directory.EnumerateFileSystemEntries(_root + path).Take(MaxEntries + 1).Select(NameOf)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problem = e.Message;
            return null;
        }
    }
}
