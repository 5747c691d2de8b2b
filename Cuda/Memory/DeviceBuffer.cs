namespace CollectivesSharp.Cuda;

/// <summary>
/// Device memory that this object owns (<see cref="CudaDevice.Allocate"/>), for <see cref="Length"/> elements of <typeparamref name="T"/>. Disposing frees it at once for <see cref="DeviceMemoryKind.Plain"/> and
/// <see cref="DeviceMemoryKind.Shareable"/> (the driver may wait for running kernels first: not while peers spin in one that needs this thread), in stream order for
/// <see cref="DeviceMemoryKind.StreamOrdered"/>. Content is undefined until written. Any thread, also one that never touched CUDA.
/// </summary>
public sealed class DeviceBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly DeviceMemoryHandle? _memory;
    private volatile bool _disposed;

    internal DeviceBuffer(CudaDevice device, DeviceMemoryKind kind, nuint length, DeviceMemoryHandle? memory)
    {
        (Device, Kind, Length, _memory) = (device, kind, length, memory);
    }

    public CudaDevice Device { get; }

    public DeviceMemoryKind Kind { get; }

    /// <summary>In elements.</summary>
    public nuint Length { get; }

    /// <summary>The whole buffer. Throws <see cref="ObjectDisposedException"/> after Dispose.</summary>
    public DeviceSpan<T> Span => new(Pointer, Length);

    /// <summary>CUdeviceptr; 0 for a buffer of no elements.</summary>
    public nint Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _memory?.DangerousGetHandle() ?? 0;
        }
    }

    public static implicit operator DeviceSpan<T>(DeviceBuffer<T> buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        return buffer.Span;
    }

    /// <summary>Returns when the content is there, for every stream that is given work afterwards. Waits for no stream: what still runs on the buffer is the caller's to wait for.</summary>
    public void CopyFrom(ReadOnlySpan<T> source) => Span.CopyFrom(Device, source);

    /// <summary>Returns when the content is here. Waits for no stream: synchronise first with what writes the buffer.</summary>
    public void CopyTo(Span<T> target) => Span.CopyTo(Device, target);

    /// <summary>The content, copied as <see cref="CopyTo"/> does.</summary>
    public T[] ToArray()
    {
        T[] content = new T[checked((int)Length)];
        CopyTo(content);
        return content;
    }

    public void Dispose()
    {
        _disposed = true;
        _memory?.Dispose();
    }
}
