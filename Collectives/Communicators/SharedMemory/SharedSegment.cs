using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Memory that the ranks of a node map together. It has no name: the creator unlinks it before anybody else learns of it and hands the
/// descriptor on, so nothing is left behind however the processes end.
/// </summary>
internal sealed unsafe class SharedSegment : SafeHandle
{
    private readonly nuint _bytes;

    private SharedSegment(nint address, nuint bytes)
        : base(PosixNative.MAP_FAILED, ownsHandle: true)
    {
        SetHandle(address);
        _bytes = bytes;
    }

    public override bool IsInvalid => handle is PosixNative.MAP_FAILED or 0;

    internal byte* Base => (byte*)handle;

    /// <summary>
    /// Reserves and zeroes the memory; the caller owns the descriptor and closes it. Throws <see cref="IOException"/> with both sizes when /dev/shm has too
    /// little room: later, at the first touch, that would be a SIGBUS.
    /// </summary>
    internal static int Create(long bytes)
    {
        Span<byte> name = stackalloc byte[64];
        int length = Encoding.ASCII.GetBytes($"/collectives-sharp-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}", name);
        name[length] = 0;
        fixed (byte* path = name)
        {
            int descriptor = PosixNative.shm_open(path, PosixNative.O_RDWR | PosixNative.O_CREAT | PosixNative.O_EXCL | PosixNative.O_CLOEXEC, 0x180 /* 0600 */);
            if (descriptor < 0)
                throw new IOException($"shm_open of {bytes} bytes of shared memory: {PosixNative.Describe(PosixNative.Errno)}.");
            PosixNative.shm_unlink(path);

            // Asked first: posix_fallocate fills the file system before it fails, and others would feel it.
            long free = FreeBytes(descriptor);
            int error = free < bytes ? PosixNative.ENOSPC : Allocate(descriptor, 0, bytes);
            if (error == 0)
                return descriptor;
            PosixNative.close(descriptor);
            throw new IOException(error == PosixNative.ENOSPC
                ? $"The group's segment needs {bytes} bytes of shared memory and /dev/shm has {free} bytes free. Make it larger (docker: --shm-size, --ipc=host) or set a smaller GroupOptions.HostChunkBytes."
                : $"Reserving {bytes} bytes of shared memory: {PosixNative.Describe(error)}.");
        }
    }

    /// <summary>A file of <paramref name="bytes"/> bytes without memory as yet, and without the limit of /dev/shm; <see cref="Reserve"/> gives it memory. The caller owns the descriptor.</summary>
    /// <exception cref="IOException">There is no such memory, or clearly not so much: then the kernel would not refuse it but end a process that touches it.</exception>
    internal static int CreateSparse(long bytes)
    {
        if (AvailableMemory() is var available && bytes > available)
            throw new IOException($"all ranks of the node together need {bytes} bytes of memory, and {available} are available");
        int descriptor;
        fixed (byte* name = "collectives-sharp\0"u8)
        {
            // Linux before 6.3 does not know the second flag; later ones may be told to insist on it.
            descriptor = PosixNative.memfd_create(name, PosixNative.MFD_CLOEXEC | PosixNative.MFD_NOEXEC_SEAL);
            if (descriptor < 0 && PosixNative.Errno == PosixNative.EINVAL)
                descriptor = PosixNative.memfd_create(name, PosixNative.MFD_CLOEXEC);
        }

        if (descriptor < 0)
            throw new IOException($"memfd_create: {PosixNative.Describe(PosixNative.Errno)}");
        if (PosixNative.ftruncate(descriptor, bytes) == 0)
            return descriptor;
        string error = PosixNative.Describe(PosixNative.Errno);
        PosixNative.close(descriptor);
        throw new IOException($"ftruncate to {bytes} bytes: {error}");
    }

    /// <summary>Zeroed memory for a part of the file, near the core that asks, so that the first touch can't fail.</summary>
    internal static void Reserve(int descriptor, long start, long bytes)
    {
        int error = Allocate(descriptor, start, bytes);
        if (error != 0)
            throw new IOException($"Reserving {bytes} bytes of memory: {PosixNative.Describe(error)}");
    }

    /// <summary>Maps what <see cref="Create"/> or <see cref="CreateSparse"/> made; the descriptor may be closed afterwards.</summary>
    /// <param name="descriptor">Stays the caller's.</param>
    /// <param name="bytes">All of it.</param>
    /// <param name="populate">No first touch has to wait for a page.</param>
    internal static SharedSegment Map(int descriptor, long bytes, bool populate = false)
    {
        int flags = PosixNative.MAP_SHARED | (populate ? PosixNative.MAP_POPULATE : 0);
        nint address = PosixNative.mmap(0, (nuint)bytes, PosixNative.PROT_READ | PosixNative.PROT_WRITE, flags, descriptor, 0);
        return address == PosixNative.MAP_FAILED
            ? throw new IOException($"mmap of {bytes} bytes of shared memory: {PosixNative.Describe(PosixNative.Errno)}.")
            : new SharedSegment(address, (nuint)bytes);
    }

    /// <summary>Keeps the memory mapped, for threads that don't hold the call; throws <see cref="ObjectDisposedException"/> if it is no more.</summary>
    internal Lease Hold()
    {
        bool held = false;
        DangerousAddRef(ref held);
        return new Lease(this);
    }

    internal readonly ref struct Lease(SharedSegment segment)
    {
        public void Dispose() => segment.DangerousRelease();
    }

    protected override bool ReleaseHandle() => PosixNative.munmap(handle, _bytes) == 0;

    private static int Allocate(int descriptor, long start, long bytes)
    {
        int error;
        do
            error = PosixNative.posix_fallocate(descriptor, start, bytes);
        while (error == PosixNative.EINTR);
        return error;
    }

    /// <summary>Of the machine, and no more than the container may have in all.</summary>
    private static long AvailableMemory()
    {
        const string Name = "MemAvailable:", Limit = "/sys/fs/cgroup/memory.max";
        long limit = File.Exists(Limit) && long.TryParse(File.ReadAllText(Limit), CultureInfo.InvariantCulture, out long most) ? most : long.MaxValue;
        string? line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
        return line is null ? limit : Math.Min(limit, long.Parse(line.AsSpan(Name.Length).Trim(" kB"), CultureInfo.InvariantCulture) << 10);
    }

    private static long FreeBytes(int descriptor)
    {
        statvfs_t status;
        return PosixNative.fstatvfs(descriptor, &status) == 0 && status.f_blocks != 0 ? (long)(status.f_bavail * status.f_frsize) : long.MaxValue;
    }
}
