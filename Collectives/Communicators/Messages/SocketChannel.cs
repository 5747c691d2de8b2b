using System.Net.Sockets;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>A TCP connection. Small reads are served from a buffer, so that a frame and its header cost one system call; long payloads go straight to where they belong.</summary>
internal sealed unsafe class SocketChannel : PeerChannel
{
    private const int BufferBytes = 16 << 10;

    private readonly Socket _socket;
    private readonly int _descriptor;
    private byte* _buffer = (byte*)NativeMemory.Alloc(BufferBytes);
    private nuint _capacity = BufferBytes;
    private nuint _start;
    private nuint _end;
    private bool _disposed;

    /// <summary>Takes over <paramref name="socket"/>, connected and authenticated.</summary>
    internal SocketChannel(Socket socket)
    {
        _socket = socket;
        _descriptor = (int)socket.Handle;
    }

    internal override int Descriptor => _descriptor;

    internal override long Unconfirmed
    {
        get
        {
            int bytes;
            return !IsClosed && PosixNative.ioctl(_descriptor, PosixNative.SIOCOUTQ, &bytes) == 0 ? bytes : 0;
        }
    }

    /// <summary>A machine whose rank reads nothing still confirms what it gets, and answers probes of its full window: a slow rank is not taken for a lost one.</summary>
    internal override long UnconfirmedFor
    {
        get
        {
            tcp_info info = default;
            uint bytes = (uint)sizeof(tcp_info);
            bool known = !IsClosed && PosixNative.getsockopt(_descriptor, PosixNative.IPPROTO_TCP, PosixNative.TCP_INFO, &info, &bytes) == 0;
            return known && (info.tcpi_unacked > 0 || info.tcpi_probes > 0) ? info.tcpi_last_ack_recv : 0;
        }
    }

    internal override nuint Write(byte* header, nuint headerBytes, byte* payload, nuint payloadBytes)
    {
        if (IsClosed)
            return 0;
        iovec* parts = stackalloc iovec[2];
        parts[0] = new iovec { iov_base = header, iov_len = headerBytes };
        parts[1] = new iovec { iov_base = payload, iov_len = payloadBytes };
        msghdr message = new() { msg_iov = headerBytes > 0 ? parts : parts + 1, msg_iovlen = (nuint)((headerBytes > 0 ? 1 : 0) + (payloadBytes > 0 ? 1 : 0)) };
        nint sent = PosixNative.sendmsg(_descriptor, &message, PosixNative.MSG_NOSIGNAL | PosixNative.MSG_DONTWAIT);
        if (sent >= 0)
            return (nuint)sent;

        // What the peer said before it closed (why it aborted, that it left) is still to be read: reading finds the end.
        if (PosixNative.Errno is not (PosixNative.EAGAIN or PosixNative.EINTR or PosixNative.EPIPE or PosixNative.ECONNRESET))
            Fail(PosixNative.Errno);
        return 0;
    }

    internal override nuint Read(byte* target, nuint bytes)
    {
        if (_start == _end)
        {
            if (IsClosed)
                return 0;
            if (bytes >= BufferBytes)
                return Receive(target, bytes);
            _start = 0;
            _end = Receive(_buffer, _capacity);
        }

        nuint count = Math.Min(bytes, _end - _start);
        Buffer.MemoryCopy(_buffer + _start, target, count, count);
        _start += count;
        return count;
    }

    internal override void EndWriting()
    {
        if (!IsClosed)
            _ = PosixNative.shutdown(_descriptor, PosixNative.SHUT_WR);
    }

    internal override ReadOnlySpan<byte> TakeInRest()
    {
        nuint received;
        do
        {
            if (_capacity - _end < BufferBytes)
            {
                _capacity *= 2;
                _buffer = (byte*)NativeMemory.Realloc(_buffer, _capacity);
            }

            received = IsClosed ? 0 : Receive(_buffer + _end, _capacity - _end);
            _end += received;
        }
        while (received > 0);
        return new ReadOnlySpan<byte>(_buffer + _start, (int)(_end - _start));
    }

    private nuint Receive(byte* target, nuint bytes)
    {
        nint received = PosixNative.recv(_descriptor, target, bytes, PosixNative.MSG_DONTWAIT);
        if (received > 0)
            return (nuint)received;
        if (received == 0 || PosixNative.Errno == PosixNative.ECONNRESET)
            IsClosed = true;
        else if (PosixNative.Errno is not (PosixNative.EAGAIN or PosixNative.EINTR))
            Fail(PosixNative.Errno);
        return 0;
    }

    private void Fail(int errno)
    {
        Error = PosixNative.Describe(errno);
        IsClosed = true;
    }

    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = IsClosed = true;
        _socket.Dispose();
        NativeMemory.Free(_buffer);
    }
}
