using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The kernels that a group may launch, by type and operation. Filled on all ranks alike: what other groups of the process have loaded does not count.</summary>
internal sealed class PeerKernelTable(CudaDevice device, int worldSize)
{
    private const int Types = (int)DataType.Float8E5M2 + 1;
    private const int Operations = (int)ReduceOp.Average + 1;

    private readonly PeerKernelSet?[] _sets = new PeerKernelSet?[Types * Operations];

    /// <summary>Null: not prepared.</summary>
    internal PeerKernelSet? Find(DataType type, ReduceOp op) => _sets[Index(type, op)];

    /// <summary>Every part of the work by one rank: all of them lie in the machine's cache then.</summary>
    internal void Compile(IReadOnlyList<(DataType Type, ReduceOp Op)> wanted, int part, int parts)
    {
        PeerKernelVariant[] variants = [.. wanted.SelectMany(item => Variants(item.Type, item.Op))];
        for (int i = part; i < variants.Length; i += parts)
            PeerKernels.Compile(device, variants[i]);
    }

    /// <summary>Loads them for <see cref="Allow"/>, which comes when every rank has loaded them.</summary>
    internal void Load(DataType type, ReduceOp op)
    {
        foreach (PeerKernelVariant variant in Variants(type, op))
            _ = PeerKernels.Load(device, variant);
    }

    internal void Allow(DataType type, ReduceOp op)
    {
        CudaKernel[] kernels = [.. Variants(type, op).Select(variant => PeerKernels.Load(device, variant))];
        _sets[Index(type, op)] = new PeerKernelSet(kernels[0], kernels[1], kernels[2], kernels[3], kernels[4]);
    }

    private static int Index(DataType type, ReduceOp op) => ((int)type * Operations) + (int)op;

    private IEnumerable<PeerKernelVariant> Variants(DataType type, ReduceOp op) => PeerKernelVariant.Kernels.Select(kernel => new PeerKernelVariant(kernel, type, op, worldSize));
}
