namespace CollectivesSharp;

internal sealed class NcclRegisteredBuffer(NcclCommunicator communicator, int id, RegistrationKind kind, nint pointer, nuint bytes, nint handle) : RegisteredBuffer
{
    private int _disposed;

    public override int Id => id;

    public override RegistrationKind Kind => kind;

    public override nint Pointer => pointer;

    public override nuint LengthInBytes => bytes;

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            communicator.Deregister(handle, kind, pointer, bytes);
    }
}
