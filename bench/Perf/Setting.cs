using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>A run and where it takes place, for those who measure and those who report.</summary>
/// <param name="Options">As given.</param>
/// <param name="Group">The ranks.</param>
/// <param name="OnDevice">The buffers lie on GPUs; else in host memory. Equal on all ranks.</param>
internal sealed record Setting(PerfOptions Options, GroupCoordinator Group, bool OnDevice)
{
    /// <summary>NCCL's switch for its use of NVLink multicast.</summary>
    private const string NvlsVariable = "NCCL_NVLS_ENABLE";

    private const int FirstNcclWithFloat8 = 22403;

    internal string Backend => OnDevice ? "cuda" : "host";

    /// <summary>What moves the bytes: "NCCL 2.28.9", "shared memory"; null for a rank alone on its host.</summary>
    internal string? Library => OnDevice ? Group.DeviceCommunicator?.Name : Group.HostCommunicator?.Name;

    internal string? LibraryPath => OnDevice ? Group.Members[Group.RankInGroup].Nccl?.Path : null;

    internal string? Route => Group.DeviceCommunicator is NcclCommunicator ? "NCCL" : Group.DeviceCommunicator is RoutedDeviceCommunicator ? "routed" : Library;

    internal string Registration => Options.Registration?.ToString().ToLowerInvariant() ?? "none";

    /// <summary>As NCCL reads it, and not this process's managed copy; null: not set, which NCCL takes for 2, "where the machine has it".</summary>
    internal static string? Nvls => PosixNative.GetEnvironment(NvlsVariable);

    internal static string NvlsText => $"{NvlsVariable}: {Nvls ?? "not set"}";

    /// <summary>Of "all" those that the backend has.</summary>
    internal IReadOnlyList<Operation> Operations => HasMulSum || Options.Operations.Count == 1 ? Options.Operations : [.. Options.Operations.Where(op => op != Operation.MulSum)];

    /// <summary>Of "all" those that the backend has.</summary>
    internal IReadOnlyList<DataType> Types => Options.Types.Count == 1 || Group.Nccl is not { Version: < FirstNcclWithFloat8 }
        ? Options.Types
        : [.. Options.Types.Where(type => type is not (DataType.Float8E4M3 or DataType.Float8E5M2))];

    private string NoDevice => Options.Backend == Perf.Backend.Host ? "--backend cuda is for GPUs." : $"GPUs are not used: {Group.DeviceObjection}";

    private bool HasMulSum => Group.Nccl is not null;

    /// <summary>Throws <see cref="PerfException"/> for what the backend can't do, on every rank alike.</summary>
    internal void Check()
    {
        if (Options.Root >= Group.WorldSize)
            throw new PerfException($"-r {Options.Root}: ranks go from 0 to {Group.WorldSize - 1}.");
        if (Options.Operations is [Operation.MulSum] && new Convention(Options.Collective).Reduces && !(OnDevice && HasMulSum))
            throw new PerfException(OnDevice ? "-o mulsum: one rank has nothing to sum." : $"-o mulsum: reductions of host memory have no premultiplied sum. {NoDevice}");
        if (OnDevice && Options.GroupMemory)
            throw new PerfException("--group-memory is of host memory: --backend host.");
        if (OnDevice)
            return;
        if (Options.Replays > 0)
            throw new PerfException($"-G {Options.Replays}: calls on host memory can't be captured into a graph. {NoDevice}");
        if (Options.Registration is not null)
            throw new PerfException($"-R: only device memory is registered. {NoDevice}");
    }
}
