using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// The kernels that a group may launch, by type and operation. Filled on all ranks alike: what other groups of the process have loaded does not count. A quarter of a second to two seconds of compiling is what each one costs a
/// machine once, so those for registered memory come with the first of it.
/// </summary>
internal sealed class PeerKernelTable(CudaDevice device, int worldSize)
{
    private const int Types = (int)DataType.Float8E5M2 + 1;
    private const int Operations = (int)ReduceOp.Average + 1;

    private readonly PeerKernelSet?[] _sets = new PeerKernelSet?[Types * Operations];

    /// <summary>Whether the sets have the kernels for registered memory; those that come later will.</summary>
    internal bool HasRegistered { get; private set; }

    /// <summary>What <see cref="AllowRegistered"/> completes.</summary>
    internal IReadOnlyList<(DataType Type, ReduceOp Op)> Allowed => [.. Enumerable.Range(0, _sets.Length).Where(index => _sets[index] is not null).Select(index => ((DataType)(index / Operations), (ReduceOp)(index % Operations)))];

    /// <summary>Null: not prepared.</summary>
    internal PeerKernelSet? Find(DataType type, ReduceOp op) => _sets[Index(type, op)];

    /// <summary>Every part of the work by one rank: all of them lie in the machine's cache then. <paramref name="registered"/>: the kernels for registered memory alone, beside those that are there.</summary>
    internal void Compile(IReadOnlyList<(DataType Type, ReduceOp Op)> wanted, int part, int parts, bool registered = false)
    {
        PeerKernelVariant[] variants = [.. wanted.SelectMany(item => Variants(item.Type, item.Op, registered))];
        for (int i = part; i < variants.Length; i += parts)
            PeerKernels.Compile(device, variants[i]);
    }

    /// <summary>Loads them for <see cref="Allow"/>, or <see cref="AllowRegistered"/>, which comes when every rank has loaded them.</summary>
    internal void Load(DataType type, ReduceOp op, bool registered = false)
    {
        foreach (PeerKernelVariant variant in Variants(type, op, registered))
            _ = PeerKernels.Load(device, variant);
    }

    internal void Allow(DataType type, ReduceOp op)
    {
        CudaKernel[] kernels = [.. Variants(type, op, registered: false).Select(variant => PeerKernels.Load(device, variant))];
        _sets[Index(type, op)] = new PeerKernelSet(kernels[0], kernels[1], kernels[2], kernels[3], HasRegistered ? new RegisteredKernelSet(kernels[4], kernels[5]) : null);
    }

    internal void AllowRegistered()
    {
        HasRegistered = true;
        foreach ((DataType type, ReduceOp op) in Allowed)
            Allow(type, op);
    }

    private static int Index(DataType type, ReduceOp op) => ((int)type * Operations) + (int)op;

    private IEnumerable<PeerKernelVariant> Variants(DataType type, ReduceOp op, bool registered) =>
        (registered ? PeerKernelVariant.RegisteredKernels : HasRegistered ? PeerKernelVariant.Kernels.Concat(PeerKernelVariant.RegisteredKernels) : PeerKernelVariant.Kernels).Select(kernel => new PeerKernelVariant(kernel, type, op, worldSize));
}
