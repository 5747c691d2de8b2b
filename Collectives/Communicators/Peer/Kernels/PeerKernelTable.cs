using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The variants of a kernel that a group may launch, by type and operation. Filled on all ranks alike: what other groups of the process have loaded does not count.</summary>
internal sealed class PeerKernelTable(string kernel, CudaDevice device, int worldSize)
{
    private const int Operations = (int)ReduceOp.Average + 1;

    private readonly CudaKernel?[] _kernels = new CudaKernel?[((int)DataType.Float8E5M2 + 1) * Operations];

    /// <summary>Null: not prepared.</summary>
    internal CudaKernel? Find(DataType type, ReduceOp op) => _kernels[Index(type, op)];

    internal void Compile(DataType type, ReduceOp op) => PeerKernels.Compile(device, Variant(type, op));

    /// <summary>Loads it for <see cref="Allow"/>, which comes when every rank has loaded it.</summary>
    internal void Load(DataType type, ReduceOp op) => _ = PeerKernels.Load(device, Variant(type, op));

    internal void Allow(DataType type, ReduceOp op) => _kernels[Index(type, op)] = PeerKernels.Load(device, Variant(type, op));

    private static int Index(DataType type, ReduceOp op) => ((int)type * Operations) + (int)op;

    private PeerKernelVariant Variant(DataType type, ReduceOp op) => new(kernel, type, op, worldSize);
}
