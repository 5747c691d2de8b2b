using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Interop;

/// <summary>What sizeof and offsetof say in g++ with glibc, on x86-64 and arm64 alike; musl's msghdr and cmsghdr lie the same on little-endian machines.</summary>
public sealed class StructLayoutTests
{
    private static readonly Dictionary<Type, (int Size, (string Field, int Offset)[] Fields)> _c = new()
    {
        [typeof(msghdr)] = (56, [("msg_name", 0), ("msg_namelen", 8), ("msg_iov", 16), ("msg_iovlen", 24), ("msg_control", 32), ("msg_controllen", 40), ("msg_flags", 48)]),
        [typeof(cmsghdr)] = (16, [("cmsg_len", 0), ("cmsg_level", 8), ("cmsg_type", 12)]),
        [typeof(iovec)] = (16, [("iov_base", 0), ("iov_len", 8)]),
        [typeof(statvfs_t)] = (112,
        [
            ("f_bsize", 0), ("f_frsize", 8), ("f_blocks", 16), ("f_bfree", 24), ("f_bavail", 32), ("f_files", 40), ("f_ffree", 48), ("f_favail", 56),
            ("f_fsid", 64), ("f_flag", 72), ("f_namemax", 80), ("__f_spare", 88),
        ]),
        [typeof(pollfd)] = (8, [("fd", 0), ("events", 4), ("revents", 6)]),
        [typeof(timespec)] = (16, [("tv_sec", 0), ("tv_nsec", 8)]),
        [typeof(ucred)] = (12, [("pid", 0), ("uid", 4), ("gid", 8)]),
        [typeof(tcp_info)] = (60,
        [
            ("tcpi_state", 0), ("tcpi_ca_state", 1), ("tcpi_retransmits", 2), ("tcpi_probes", 3), ("tcpi_backoff", 4), ("tcpi_options", 5), ("tcpi_wscale", 6), ("tcpi_flags", 7),
            ("tcpi_rto", 8), ("tcpi_ato", 12), ("tcpi_snd_mss", 16), ("tcpi_rcv_mss", 20), ("tcpi_unacked", 24), ("tcpi_sacked", 28), ("tcpi_lost", 32), ("tcpi_retrans", 36),
            ("tcpi_fackets", 40), ("tcpi_last_data_sent", 44), ("tcpi_last_ack_sent", 48), ("tcpi_last_data_recv", 52), ("tcpi_last_ack_recv", 56),
        ]),
        [typeof(link_map)] = (40, [("l_addr", 0), ("l_name", 8), ("l_ld", 16), ("l_next", 24), ("l_prev", 32)]),
    };

    [Fact]
    public void Every_struct_has_the_size_and_offsets_that_C_gives_it()
    {
        foreach ((Type type, (int size, (string, int)[] fields)) in _c)
        {
            Assert.Equal((type, size), (type, Marshal.SizeOf(type)));
            Assert.Equal<(string, int)>(fields, Fields(type).Select(field => (field.Name, (int)Marshal.OffsetOf(type, field.Name))));
        }
    }

    [Fact]
    public void No_struct_of_the_C_library_is_missing_from_the_table() => Assert.Equal(
        _c.Keys.Select(type => type.Name).Order(StringComparer.Ordinal),
        typeof(msghdr).Assembly.GetExportedTypes().Where(IsOfTheCLibrary).Select(type => type.Name).Order(StringComparer.Ordinal));

    /// <summary>Marshal's sizes are those of marshalling; without it, what counts is the memory.</summary>
    [Fact]
    public unsafe void Memory_layout_and_marshalled_layout_are_one()
    {
        Assert.Equal(56, sizeof(msghdr));
        Assert.Equal(16, sizeof(cmsghdr));
        Assert.Equal(16, sizeof(iovec));
        Assert.Equal(112, sizeof(statvfs_t));
        Assert.Equal(8, sizeof(pollfd));
        Assert.Equal(16, sizeof(timespec));
        Assert.Equal(12, sizeof(ucred));
        Assert.Equal(40, sizeof(link_map));
        Assert.Equal(60, sizeof(tcp_info));
    }

    /// <summary>NVIDIA's begin with their library's name; tests/Native compares those.</summary>
    private static bool IsOfTheCLibrary(Type type) => type is { IsValueType: true, IsEnum: false, IsNested: false } && char.IsLower(type.Name[0])
        && !type.Name.StartsWith("nccl", StringComparison.Ordinal) && !type.Name.StartsWith("nv", StringComparison.Ordinal);

    private static IEnumerable<FieldInfo> Fields(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public).Where(field => field.GetCustomAttribute<CompilerGeneratedAttribute>() is null);
}
