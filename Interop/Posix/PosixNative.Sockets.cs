using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

public static unsafe partial class PosixNative
{
    public const int SOL_SOCKET = 1;
    public const int SO_PEERCRED = 17;
    public const int SCM_RIGHTS = 1;
    public const int MSG_DONTWAIT = 0x40;
    public const int MSG_NOSIGNAL = 0x4000;
    public const int MSG_CMSG_CLOEXEC = 0x40000000;
    public const int MSG_CTRUNC = 0x8;
    public const int IPPROTO_TCP = 6;
    public const int TCP_INFO = 11;
    public const int SHUT_WR = 1;
    public const nuint SIOCOUTQ = 0x5411;

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial nint sendmsg(int sockfd, msghdr* msg, int flags);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial nint recvmsg(int sockfd, msghdr* msg, int flags);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial nint recv(int sockfd, void* buf, nuint len, int flags);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int shutdown(int sockfd, int how);

    /// <summary>With <see cref="SIOCOUTQ"/>: bytes sent or to be sent that the peer has not acknowledged.</summary>
    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int ioctl(int fd, nuint request, int* argument);

    [LibraryImport(NativeLibraryLocator.C, SetLastError = true)]
    public static partial int getsockopt(int sockfd, int level, int optname, void* optval, uint* optlen);

    /// <summary>
    /// sendmsg with one SCM_RIGHTS message: <paramref name="descriptor"/> travels with <paramref name="payload"/> (at least one byte)
    /// over a Unix socket. Returns the bytes sent.
    /// </summary>
    public static nint SendDescriptor(int sockfd, int descriptor, ReadOnlySpan<byte> payload)
    {
        fixed (byte* data = payload)
        {
            iovec part = new() { iov_base = data, iov_len = (nuint)payload.Length };
            DescriptorMessage control = new()
            {
                header = new cmsghdr { cmsg_len = (nuint)(sizeof(cmsghdr) + sizeof(int)), cmsg_level = SOL_SOCKET, cmsg_type = SCM_RIGHTS },
                descriptor = descriptor,
            };
            msghdr message = new()
            {
                msg_iov = &part,
                msg_iovlen = 1,
                msg_control = &control,
                msg_controllen = (nuint)sizeof(DescriptorMessage),
            };
            return sendmsg(sockfd, &message, MSG_NOSIGNAL);
        }
    }

    /// <summary>
    /// The other end of <see cref="SendDescriptor"/>: returns the bytes received; <paramref name="descriptor"/> is the new
    /// (close-on-exec) descriptor, or -1 if the message carried none.
    /// </summary>
    public static nint ReceiveDescriptor(int sockfd, out int descriptor, Span<byte> payload)
    {
        fixed (byte* data = payload)
        {
            iovec part = new() { iov_base = data, iov_len = (nuint)payload.Length };
            DescriptorMessage control = default;
            msghdr message = new()
            {
                msg_iov = &part,
                msg_iovlen = 1,
                msg_control = &control,
                msg_controllen = (nuint)sizeof(DescriptorMessage),
            };
            nint received = recvmsg(sockfd, &message, MSG_CMSG_CLOEXEC);
            bool carried = received >= 0 && (message.msg_flags & MSG_CTRUNC) == 0
                && message.msg_controllen >= (nuint)(sizeof(cmsghdr) + sizeof(int))
                && control.header.cmsg_level == SOL_SOCKET && control.header.cmsg_type == SCM_RIGHTS;
            descriptor = carried ? control.descriptor : -1;
            return received;
        }
    }

    /// <summary>CMSG_SPACE(sizeof(int)): header, one descriptor, padding to 8 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct DescriptorMessage
    {
        public cmsghdr header;
        public int descriptor;
        public int padding;
    }
}
