using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>struct statvfs of 64-bit Linux; the C name belongs to the function, hence the suffix.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct statvfs_t
{
    public ulong f_bsize;
    public ulong f_frsize;
    public ulong f_blocks;
    public ulong f_bfree;
    public ulong f_bavail;
    public ulong f_files;
    public ulong f_ffree;
    public ulong f_favail;
    public ulong f_fsid;
    public ulong f_flag;
    public ulong f_namemax;
    public fixed int __f_spare[6];
}
