using System.Net.Sockets;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Who sits at the other end of a Unix socket, as the kernel tells it.</summary>
internal static class PeerCredentials
{
    /// <summary>Throws <see cref="UnauthorizedAccessException"/> unless the other end is a process of this user.</summary>
    internal static unsafe void DemandSameUser(Socket socket)
    {
        ucred peer;
        uint length = (uint)sizeof(ucred);
        if (PosixNative.getsockopt((int)socket.Handle, PosixNative.SOL_SOCKET, PosixNative.SO_PEERCRED, &peer, &length) != 0)
            throw new IOException($"getsockopt(SO_PEERCRED): {PosixNative.Describe(PosixNative.Errno)}");
        uint own = PosixNative.geteuid();
        if (peer.uid != own)
            throw new UnauthorizedAccessException($"the process {peer.pid} at the other end belongs to user {peer.uid}, this one to {own}");
    }
}
