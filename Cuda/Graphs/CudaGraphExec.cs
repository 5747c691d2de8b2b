using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>
/// An executable graph. A graph that holds collectives is itself a collective: every rank launches it, in the same order as its other calls. Dispose it before the group whose
/// calls it holds. One launch at a time; launches of one graph never overlap.
/// </summary>
public sealed unsafe class CudaGraphExec : IDisposable
{
    private readonly ExecHandle _exec;

    internal CudaGraphExec(CudaDevice device, nint exec)
    {
        Device = device;
        _exec = new ExecHandle(exec);
    }

    public CudaDevice Device { get; }

    /// <summary>CUgraphExec.</summary>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_exec.IsClosed, this);
            return _exec.DangerousGetHandle();
        }
    }

    /// <summary>Enqueues it. Returns at once.</summary>
    public void Launch(CudaStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        nint exec = Handle, target = stream.Handle;

        // Not in a try block, which a using is: the JIT does not inline a native call's marshalling there, and the stub that it makes instead allocates, once, when the method is optimised.
        CudaContextScope scope = Device.MakeCurrent();
        CUresult result = CudaDriverNative.cuGraphLaunch(exec, target);
        scope.Dispose();
        CudaCall.Check(result, "cuGraphLaunch(exec, stream)");
    }

    /// <summary>Brings what the first launch needs to the device, so that it is as fast as the others.</summary>
    public void Upload(CudaStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using CudaContextScope scope = Device.MakeCurrent();
        CudaCall.Check(CudaDriverNative.cuGraphUpload(Handle, stream.Handle));
    }

    /// <summary>
    /// Takes over pointers, sizes and arguments of a graph of the same shape, which is far cheaper than instantiating anew. False if the shapes differ: this one is unchanged then, instantiate the other.
    /// </summary>
    public bool TryUpdate(CudaGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        using CudaContextScope scope = Device.MakeCurrent();
        CUgraphExecUpdateResultInfo info;
        CUresult result = CudaDriverNative.cuGraphExecUpdate_v2(Handle, graph.Handle, &info);
        if (result == CUresult.CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE)
            return false;
        CudaCall.Check(result, "cuGraphExecUpdate(exec, graph)");
        return true;
    }

    public void Dispose() => _exec.Dispose();

    private sealed class ExecHandle : SafeHandle
    {
        internal ExecHandle(nint exec)
            : base(0, ownsHandle: true) => SetHandle(exec);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => CudaDriverNative.cuGraphExecDestroy(handle) == CUresult.CUDA_SUCCESS;
    }
}
