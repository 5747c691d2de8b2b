using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>A recorded graph, the template of executable ones, which outlive it. Not thread-safe.</summary>
public sealed unsafe class CudaGraph : IDisposable
{
    private readonly GraphHandle _graph;

    internal CudaGraph(CudaDevice device, nint graph)
    {
        Device = device;
        _graph = new GraphHandle(graph);
    }

    public CudaDevice Device { get; }

    /// <summary>CUgraph.</summary>
    public nint Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_graph.IsClosed, this);
            return _graph.DangerousGetHandle();
        }
    }

    /// <summary>How many operations it holds.</summary>
    public int NodeCount
    {
        get
        {
            nuint count = 0;
            CudaCall.Check(CudaDriverNative.cuGraphGetNodes(Handle, null, &count));
            return checked((int)count);
        }
    }

    /// <summary>Makes it executable on its device.</summary>
    public CudaGraphExec Instantiate()
    {
        using CudaContextScope scope = Device.MakeCurrent();
        nint exec;
        CudaCall.Check(CudaDriverNative.cuGraphInstantiateWithFlags(&exec, Handle, 0));
        return new CudaGraphExec(Device, exec);
    }

    public void Dispose() => _graph.Dispose();

    private sealed class GraphHandle : SafeHandle
    {
        internal GraphHandle(nint graph)
            : base(0, ownsHandle: true) => SetHandle(graph);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => CudaDriverNative.cuGraphDestroy(handle) == CUresult.CUDA_SUCCESS;
    }
}
