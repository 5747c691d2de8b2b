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
            if (route == AllReduceRmsNormRoute.OneShot)
                Launch(kernel, RmsNormLaunch.ForOneShot(rows, columns, type, WorldSize, _setup.MostBlocks), stream, in arguments, RmsNormLaunch.SharedBytes(1));
            else
                Launch(kernel, RmsNormLaunch.ForTwoShot(rows, columns, type, WorldSize, _setup.MostBlocks), stream, in arguments, RmsNormLaunch.SharedBytes(WorldSize));
        }
        finally
        {
            Volatile.Write(ref _calling, 0);
        }
    }
}
