using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed unsafe partial class NcclCommunicator
{
    /// <summary>The communicators whose calls this thread collects now.</summary>
    [ThreadStatic]
    private static List<NcclCommunicator>? t_collected;

    [ThreadStatic]
    private static int t_depth;

    public void Send(nint buffer, nuint count, DataType type, int destination, nint stream)
    {
        HostArguments.CheckRoot(destination, WorldSize);
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(buffer, bytes, buffer, bytes, type, stream);
        nint communicator = Enter(HostCall.Message(CollectiveKind.Send, type, count, destination, 0), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclSend((void*)buffer, count, (ncclDataType_t)type, destination, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void Receive(nint buffer, nuint count, DataType type, int source, nint stream)
    {
        HostArguments.CheckRoot(source, WorldSize);
        nuint bytes = Bytes(count, type);
        if (bytes == 0)
            return;
        Check(buffer, bytes, buffer, bytes, type, stream);
        nint communicator = Enter(HostCall.Message(CollectiveKind.Receive, type, count, source, 0), out CudaContextScope scope);
        ncclResult_t result = NcclNative.ncclRecv((void*)buffer, count, (ncclDataType_t)type, source, communicator, stream);
        Leave(result, communicator, scope);
    }

    public void BeginBatch()
    {
        _ = Handle;
        ncclResult_t result = NcclNative.ncclGroupStart();
        if (result != ncclResult_t.ncclSuccess)
            throw Failed(result, 0);
        t_depth++;
        t_collected ??= [];
        Collect();
    }

    /// <summary>The launch may block as any call does: <see cref="DeviceGuard"/> sees it by the communicators that take part.</summary>
    public void EndBatch()
    {
        if (t_depth == 0)
            throw new InvalidOperationException($"{nameof(EndBatch)} without {nameof(BeginBatch)} on this thread.");
        CudaContextScope scope = Device.MakeCurrent();
        bool outermost = --t_depth == 0;
        if (outermost)
        {
            foreach (NcclCommunicator communicator in t_collected!)
                Volatile.Write(ref communicator._calling, 1);
        }

        CUstreamCaptureMode mode = CaptureMode.Relax();
        ncclResult_t result = NcclNative.ncclGroupEnd();
        CaptureMode.Exchange(mode);
        scope.Dispose();
        if (outermost)
        {
            foreach (NcclCommunicator communicator in t_collected!)
                communicator.LeaveBatch();
            t_collected.Clear();
        }

        if (Fault is { } fault)
            throw fault;
        if (result != ncclResult_t.ncclSuccess)
            throw Failed(result, Volatile.Read(ref _communicator));
    }
}
