using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.Routes;

/// <summary>The pattern's sums: exact in any order, so that every route has to give the same bits.</summary>
internal sealed class RouteCheck(GroupCoordinator group, CudaStream stream, int calls) : IAllReduceCheck
{
    private readonly DevicePattern _pattern = new(group, stream);

    public int Calls => calls;

    public void Begin() => _pattern.Begin();

    public void Fill(nint input, nuint count, DataType type, int seed) => _pattern.Fill(input, count, type, seed, Operation.Sum);

    public void Count(nint output, nuint count, DataType type, int seed) => _pattern.Count(output, count, type, seed, Operation.Sum, null, 0);

    public long Wrong() => _pattern.Wrong();

    public void Dispose() => _pattern.Dispose();
}
