using CollectivesSharp.Cuda;

namespace CollectivesSharp;

public sealed partial class PeerCommunicator
{
    private const string BarrierKernel = "barrier";

    /// <summary>A thread for each peer.</summary>
    private static readonly PeerLaunch s_barrierShape = new(Blocks: 1, Threads: 32);

    private CudaKernel? _barrierKernel;

    /// <summary>
    /// One small kernel. It orders whatever memory ranks share: what a rank's stream has stored before is seen by what all streams do behind it, and what a stream loads before does not see what others store behind it; why is said in
    /// barrier.cu. May be captured without <see cref="Prepare"/>.
    /// </summary>
    public void Barrier(nint stream)
    {
        _pointers.CheckStream(stream);
        HostCall call = new(CollectiveKind.Barrier, default, default, 0, 0);
        Enter(call);
        try
        {
            (_call, _sequence) = (call, _sequence + 1);
            Launch(_barrierKernel!, s_barrierShape, stream, in _view);
        }
        finally
        {
            Volatile.Write(ref _calling, 0);
        }
    }

    private string BarrierName => $"{BarrierKernel}_{WorldSize}";

    private void CompileBarrier() => KernelLibrary.Compile(Device, CollectiveKernels.Source(BarrierKernel), CollectiveKernels.Options(BarrierName, WorldSize));

    private void LoadBarrier() => _barrierKernel = PeerKernels.Load(Device, BarrierKernel, BarrierName, CollectiveKernels.Options(BarrierName, WorldSize), WorldSize);
}
