using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed unsafe partial class PeerCommunicator
{
    /// <summary>By a kernel of one of the fused routes; the pointers have been checked, and the rows fit: see <see cref="RmsNormCalls"/>.</summary>
    internal void AllReduceRmsNorm(AllReduceRmsNormRoute route, CudaKernel kernel, in RmsNormArguments norm, DataType type, nint stream)
    {
        HostCall call = new(CollectiveKind.AllReduceRmsNorm, type, ReduceOp.Sum, 0, (long)(norm.Rows * norm.Columns));
        Enter(call);
        try
        {
            (_call, _sequence) = (call, _sequence + 1);
            AllReduceRmsNormArguments arguments = new() { View = _view, Norm = norm };
            nuint rows = (nuint)norm.Rows, columns = (nuint)norm.Columns;
            PeerLaunch shape = route == AllReduceRmsNormRoute.OneShot
                ? RmsNormLaunch.ForOneShot(rows, columns, type, WorldSize, _setup.MostBlocks, Device.ComputeCapability.Major >= 9)
                : RmsNormLaunch.ForTwoShot(rows, columns, type, WorldSize, _setup.MostBlocks);
            Launch(kernel, shape, stream, in arguments, RmsNormLaunch.SharedBytes(route == AllReduceRmsNormRoute.OneShot ? 1 : WorldSize, shape.ClusterBlocks));
        }
        finally
        {
            Volatile.Write(ref _calling, 0);
        }
    }
}
