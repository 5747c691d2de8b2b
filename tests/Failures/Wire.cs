using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>
/// Two network namespaces with a TUN device each, and this process between them: every packet is read from one, held for the latency, lost with some probability, and written to the other.
/// Needs root, or at least the right to make namespaces; skips the test where that is not to be had.
/// </summary>
internal sealed unsafe partial class Wire : IDisposable
{
    private const int CLONE_NEWNET = 0x40000000;
    private const int O_RDWR = 2;
    private const nuint TUNSETIFF = 0x400454CA;
    private const short IFF_TUN = 0x0001;
    private const short IFF_NO_PI = 0x1000;
    private const int Seed = 7;

    private readonly string[] _namespaces;
    private readonly int[] _devices = [-1, -1];
    private readonly List<Thread> _threads = [];
    private readonly BlockingCollection<(long Due, byte[] Packet)>[] _underway = [[], []];
    private readonly TimeSpan _latency;
    private readonly int _lossPercent;
    private volatile bool _cut;
    private volatile bool _ended;
    private long _carried;
    private long _lost;

    private Wire(TimeSpan latency, int lossPercent)
    {
        _latency = latency;
        _lossPercent = lossPercent;
        _namespaces = [$"collectives-{Environment.ProcessId}-a", $"collectives-{Environment.ProcessId}-b"];
    }

    internal long CarriedPackets => Interlocked.Read(ref _carried);

    internal long LostPackets => Interlocked.Read(ref _lost);

    internal static string AddressOf(int node) => $"10.231.77.{node + 1}";

    internal string NamespaceOf(int node) => _namespaces[node];

    internal static Wire Lay(TimeSpan latency, int lossPercent)
    {
        Wire wire = new(latency, lossPercent);
        try
        {
            for (int node = 0; node < 2; node++)
                wire.MakeNode(node);
        }
        catch (UnauthorizedAccessException e)
        {
            wire.Dispose();
            Assert.Skip($"needs the kernel's permission to make network namespaces and TUN devices: {e.Message}");
        }
        catch
        {
            wire.Dispose();
            throw;
        }

        for (int node = 0; node < 2; node++)
        {
            int from = node;
            wire.Run(() => wire.Read(from));
            wire.Run(() => wire.Write(from));
        }

        return wire;
    }

    /// <summary>From now on every packet is lost.</summary>
    internal void Cut() => _cut = true;

    public void Dispose()
    {
        _ended = true;
        foreach (BlockingCollection<(long, byte[])> packets in _underway)
            packets.CompleteAdding();
        foreach (Thread thread in _threads)
            thread.Join();
        for (int node = 0; node < 2; node++)
        {
            if (_devices[node] >= 0)
                _ = PosixNative.close(_devices[node]);
            _ = Ip("netns", "del", _namespaces[node]);
        }
    }

    private void Run(ThreadStart body)
    {
        Thread thread = new(body) { IsBackground = true };
        _threads.Add(thread);
        thread.Start();
    }

    private void MakeNode(int node)
    {
        string name = _namespaces[node];
        Demand(Ip("netns", "add", name));

        // A thread of its own enters the namespace, makes the device there and ends; the descriptor stays.
        string? error = null;
        Thread maker = new(() => error = OpenDevice(node));
        maker.Start();
        maker.Join();
        Demand(error);
        Demand(Ip("-n", name, "addr", "add", $"{AddressOf(node)}/24", "dev", "wire"));
        Demand(Ip("-n", name, "link", "set", "wire", "up"));
        Demand(Ip("-n", name, "link", "set", "lo", "up"));

        static void Demand(string? error)
        {
            if (error is not null)
                throw new UnauthorizedAccessException(error);
        }
    }

    private string? OpenDevice(int node)
    {
        int space = Open($"/var/run/netns/{_namespaces[node]}", 0);
        if (space < 0 || setns(space, CLONE_NEWNET) != 0)
            return $"setns: {PosixNative.Describe(PosixNative.Errno)}";
        _ = PosixNative.close(space);
        int device = Open("/dev/net/tun", O_RDWR);
        if (device < 0)
            return $"/dev/net/tun: {PosixNative.Describe(PosixNative.Errno)}";
        byte* request = stackalloc byte[40];
        new Span<byte>(request, 40).Clear();
        "wire"u8.CopyTo(new Span<byte>(request, 16));
        *(short*)(request + 16) = IFF_TUN | IFF_NO_PI;
        if (PosixNative.ioctl(device, TUNSETIFF, (int*)request) != 0)
            return $"TUNSETIFF: {PosixNative.Describe(PosixNative.Errno)}";
        _devices[node] = device;
        return null;

        static int Open(string path, int flags)
        {
            fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
                return open(name, flags, 0);
        }
    }

    private void Read(int node)
    {
        Random random = new(Seed + node);
        byte[] buffer = new byte[65536];
        while (!_ended)
        {
            pollfd poll = new() { fd = _devices[node], events = PosixNative.POLLIN };
            if (PosixNative.poll(&poll, 1, 100) <= 0)
                continue;
            nint bytes;
            fixed (byte* data = buffer)
                bytes = PosixNative.read(_devices[node], data, (nuint)buffer.Length);
            if (bytes <= 0)
                continue;
            Interlocked.Increment(ref _carried);
            if (_cut || random.Next(100) < _lossPercent)
            {
                Interlocked.Increment(ref _lost);
                continue;
            }

            try
            {
                _underway[node].Add((Stopwatch.GetTimestamp() + (long)(_latency.TotalSeconds * Stopwatch.Frequency), buffer[..(int)bytes]));
            }
            catch (InvalidOperationException)
            {
                return;
            }
        }
    }

    private void Write(int from)
    {
        foreach ((long due, byte[] packet) in _underway[from].GetConsumingEnumerable())
        {
            // The latency is what this wire is for; nothing else is waited for.
            double early = (due - Stopwatch.GetTimestamp()) * 1e3 / Stopwatch.Frequency;
            if (early > 0)
                Thread.Sleep(TimeSpan.FromMilliseconds(early));
            if (_cut)
                continue;
            fixed (byte* data = packet)
                PosixNative.write(_devices[1 - from], data, (nuint)packet.Length);
        }
    }

    /// <summary>Null, or what went wrong.</summary>
    private static string? Ip(params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"ip {string.Join(' ', arguments)}: {error.Trim()}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"ip: {e.Message}";
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int fd, int type);
}
