using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed unsafe partial class NcclCommunicator
{
    private const int SymmetricWindow = 1;

    private int _registrations;

    public RegisteredBuffer Register(nint pointer, nuint bytes, RegistrationKind kind)
    {
        string function = kind == RegistrationKind.Symmetric ? nameof(NcclNative.ncclCommWindowRegister) : nameof(NcclNative.ncclCommRegister);
        if (!NcclFeatures.Has(function))
            throw new NotSupportedException($"Registration {kind}: {Name} is at hand, {NcclFeatures.Since[function]} or newer is needed; COLLECTIVES_NCCL_PATH names another file.");
        ArgumentOutOfRangeException.ThrowIfZero(bytes);
        _pointers.Check(pointer, bytes, DataType.UInt8, 0, nameof(pointer));
        nint communicator = Enter(nameof(Register), out CudaContextScope scope);
        void* handle = null;
        nint window = 0;
        ncclResult_t result = kind == RegistrationKind.Symmetric
            ? NcclNative.ncclCommWindowRegister(communicator, (void*)pointer, bytes, &window, SymmetricWindow)
            : NcclNative.ncclCommRegister(communicator, (void*)pointer, bytes, &handle);
        Leave(result, communicator, scope);
        if (window != 0)
            _windows.Add(pointer, bytes);
        return new NcclRegisteredBuffer(this, _registrations++, kind, pointer, bytes, kind == RegistrationKind.Symmetric ? window : (nint)handle);
    }

    /// <summary>The request with what its route depends on beyond the call's other arguments: the same on every rank, for windows are registered by all and offsets in them are the same.</summary>
    internal AllReduceRequest Locate(in AllReduceRequest request, nint input, nint output) => !_windows.Any || !_windows.Hold(input, output)
        ? request
        : request with { IsSymmetric = true, IsMisaligned = SymmetricWindows.AreMisaligned(input, output, 0, request.Type) };

    public PremultipliedSum CreatePremultipliedSum(void* scalar, DataType type)
    {
        ncclRedOp_t op;
        nint communicator = Enter(nameof(CreatePremultipliedSum), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclRedOpCreatePreMulSum(&op, scalar, (ncclDataType_t)type, ncclScalarResidence_t.ncclScalarHostImmediate, communicator);
        Leave(result, communicator, scope);
        return new NcclPremultipliedSum(this, op, type);
    }

    /// <summary>Nothing to do once the communicator is gone: what it held went with it.</summary>
    internal void Forget(ncclRedOp_t op)
    {
        lock (_lifeLock)
        {
            if (_communicator != 0)
                _ = NcclNative.ncclRedOpDestroy(op, _communicator);
        }
    }

    internal void Deregister(nint handle, RegistrationKind kind, nint pointer, nuint bytes)
    {
        if (kind == RegistrationKind.Symmetric)
            _windows.Remove(pointer, bytes);

        // NCCL gives no window for memory that it can't make one of (cuMem off, say), and uses the buffer as any other.
        if (handle == 0 || Volatile.Read(ref _communicator) == 0)
            return;
        nint communicator = Enter(nameof(Deregister), out CudaContextScope scope);
        ncclResult_t result = kind == RegistrationKind.Symmetric
            ? NcclNative.ncclCommWindowDeregister(communicator, handle)
            : NcclNative.ncclCommDeregister(communicator, (void*)handle);
        Leave(result, communicator, scope);
    }
}
