using System.Diagnostics;
using CollectivesSharp.Cuda;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Keeps the way between a rank's device and a peer's busy, until it is disposed: copies to the peer on one stream, from it on another, a thread each.</summary>
internal sealed class LinkLoad : IDisposable
{
    private const int CopiesAtOnce = 16;

    private readonly DeviceBuffer<byte> _own;
    private readonly CudaStream _to;
    private readonly CudaStream _from;
    private readonly Task<long>[] _copies;
    private readonly Stopwatch _time = Stopwatch.StartNew();
    private volatile bool _isOver;

    /// <param name="device">That copies.</param>
    /// <param name="target">Of a peer, mapped on the device: where it copies to.</param>
    /// <param name="source">Of a peer, mapped on the device: where it copies from.</param>
    internal LinkLoad(CudaDevice device, DeviceSpan<byte> target, DeviceSpan<byte> source)
    {
        (_own, _to, _from) = (device.Allocate<byte>(target.Length + source.Length), device.CreateStream(), device.CreateStream());
        DeviceSpan<byte> outgoing = _own.Span.Slice(0, target.Length), incoming = _own.Span.Slice(target.Length);
        _copies = [Start(outgoing, target, _to), Start(source, incoming, _from)];
    }

    /// <summary>Of both streams, once it is over.</summary>
    internal double GigabytesPerSecond { get; private set; }

    public void Dispose()
    {
        _isOver = true;
        try
        {
            // A copy of some megabytes is over soon; nothing on the streams waits for a peer.
            GigabytesPerSecond = Task.WhenAll(_copies).GetAwaiter().GetResult().Sum() / _time.Elapsed.TotalSeconds / 1e9;
        }
        finally
        {
            _to.Dispose();
            _from.Dispose();
            _own.Dispose();
        }
    }

    private Task<long> Start(DeviceSpan<byte> source, DeviceSpan<byte> target, CudaStream stream) => Task.Factory.StartNew(
        () =>
        {
            long bytes = 0;
            while (!_isOver)
            {
                for (int i = 0; i < CopiesAtOnce; i++)
                    source.CopyTo(target, stream);
                stream.Synchronize();
                bytes += CopiesAtOnce * (long)source.Length;
            }

            return bytes;
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}
