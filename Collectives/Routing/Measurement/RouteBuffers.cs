using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>Input and output of the calls that are measured.</summary>
internal sealed class RouteBuffers : IDisposable
{
    private readonly DeviceBuffer<byte> _input;
    private readonly DeviceBuffer<byte>? _output;
    private readonly PeerBuffer<byte>? _registered;
    private readonly List<RegisteredBuffer> _windows = [];

    /// <param name="device">Where.</param>
    /// <param name="bytes">Of each of the two.</param>
    /// <param name="kind">Of memory.</param>
    /// <param name="registered">The output, and this object's then; null: one of this kind.</param>
    /// <exception cref="CudaException">There is no such memory, or not so much.</exception>
    internal RouteBuffers(CudaDevice device, nuint bytes, DeviceMemoryKind kind, PeerBuffer<byte>? registered = null)
    {
        _registered = registered;
        _input = device.Allocate<byte>(bytes, kind);
        try
        {
            _output = registered is null ? device.Allocate<byte>(bytes, kind) : null;
        }
        catch (CudaException)
        {
            _input.Dispose();
            throw;
        }
    }

    internal nint Input => _input.Pointer;

    internal nint Output => _registered?.Pointer ?? _output!.Pointer;

    internal void Clear(CudaStream stream) => _input.Span.Clear(stream);

    /// <summary>Collective; of buffers that are not registered.</summary>
    internal void MakeWindows(IDeviceCommunicator communicator)
    {
        foreach (DeviceBuffer<byte> buffer in (ReadOnlySpan<DeviceBuffer<byte>>)[_input, _output!])
            _windows.Add(communicator.Register(buffer.Pointer, buffer.Span.LengthInBytes, RegistrationKind.Symmetric));
    }

    public void Dispose()
    {
        _windows.ForEach(window => window.Dispose());
        _input.Dispose();
        _output?.Dispose();
        _registered?.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
