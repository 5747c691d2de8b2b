using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The kernels of rms_norm.cuh that a group may launch, by type. Filled on all ranks alike.</summary>
internal sealed class RmsNormKernelTable(CudaDevice device, int worldSize, bool hasPeers)
{
    private const string Separate = "rms_norm";
    private const string OneShot = "all_reduce_rms_norm_one_shot";
    private const string TwoShot = "all_reduce_rms_norm_two_shot";

    private static readonly string[] s_fused = [OneShot, TwoShot];

    private readonly RmsNormKernelSet?[] _sets = new RmsNormKernelSet?[(int)DataType.Float8E5M2 + 1];

    internal static IReadOnlyList<DataType> Types { get; } = [DataType.Float32, DataType.Float16, DataType.BFloat16];

    /// <summary>Null: not prepared.</summary>
    internal RmsNormKernelSet? Find(DataType type) => _sets[(int)type];

    /// <summary>A part of the work by each rank: then all of them lie in the machine's cache.</summary>
    internal void Compile(IReadOnlyList<DataType> types, int part, int parts)
    {
        (string Source, string Name, string[] Options)[] all = [.. types.SelectMany(Variants)];
        for (int i = part; i < all.Length; i += parts)
            KernelLibrary.Compile(device, CollectiveKernels.Source(all[i].Source), all[i].Options);
    }

    /// <summary>For <see cref="Allow"/>, which comes when every rank has loaded them.</summary>
    internal void Load(DataType type)
    {
        foreach ((string source, string name, string[] options) in Variants(type))
            _ = PeerKernels.Load(device, source, name, options, SizeOf(source));
    }

    internal void Allow(DataType type)
    {
        CudaKernel[] kernels = [.. Variants(type).Select(item => PeerKernels.Load(device, item.Source, item.Name, item.Options, SizeOf(item.Source)))];
        _sets[(int)type] = new(kernels[0], hasPeers ? kernels[1] : null, hasPeers ? kernels[2] : null);
    }

    private int SizeOf(string source) => source == Separate ? 1 : worldSize;

    /// <summary>What a profiler shows: "all_reduce_rms_norm_one_shot_bfloat16_4", "rms_norm_bfloat16".</summary>
    private IEnumerable<(string Source, string Name, string[] Options)> Variants(DataType type)
    {
        string element = type.ToString().ToLowerInvariant();
        yield return (Separate, $"{Separate}_{element}", CollectiveKernels.Options($"{Separate}_{element}", 1, type.ToString()));
        foreach (string source in hasPeers ? s_fused : [])
            yield return (source, $"{source}_{element}_{worldSize}", CollectiveKernels.Options($"{source}_{element}_{worldSize}", worldSize, type.ToString()));
    }
}
