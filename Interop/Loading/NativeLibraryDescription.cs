namespace CollectivesSharp.Interop;

/// <summary>What a library is called and where it is usually installed.</summary>
internal sealed record NativeLibraryDescription
{
    private static readonly NativeLibraryDescription[] s_all =
    [
        new()
        {
            Kind = NativeLibraryKind.Cuda,
            LogicalName = NativeLibraryLocator.Cuda,
            Title = "The CUDA driver",
            Remedy = "It comes with NVIDIA's driver; a container needs the NVIDIA runtime (--gpus all).",
            Variable = "COLLECTIVES_CUDA_PATH",
            FileNames = ["libcuda.so.1", "libcuda.so"],
            BelongsToDriver = true,
        },
        new()
        {
            Kind = NativeLibraryKind.Nvrtc,
            LogicalName = NativeLibraryLocator.Nvrtc,
            Title = "NVRTC",
            Remedy = "Install the CUDA toolkit's libnvrtc, 12.0 or newer, or pip's nvidia-cuda-nvrtc.",
            Variable = "COLLECTIVES_NVRTC_PATH",
            FileNames = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"],
            BuiltinsPrefix = "libnvrtc-builtins.so.",
            PipFolders = ["cu*/lib", "cuda_nvrtc/lib"],
        },
        new()
        {
            Kind = NativeLibraryKind.Nccl,
            LogicalName = NativeLibraryLocator.Nccl,
            Title = "NCCL",
            Remedy = "Install libnccl2, or pip's nvidia-nccl for the CUDA version at hand.",
            Variable = "COLLECTIVES_NCCL_PATH",
            FileNames = ["libnccl.so.2", "libnccl.so"],
            PipFolders = ["nccl/lib"],
        },
        new()
        {
            Kind = NativeLibraryKind.Nvml,
            LogicalName = NativeLibraryLocator.Nvml,
            Title = "NVML",
            Remedy = "It comes with NVIDIA's driver; a container needs the NVIDIA runtime with the capability \"utility\".",
            Variable = "COLLECTIVES_NVML_PATH",
            FileNames = ["libnvidia-ml.so.1", "libnvidia-ml.so"],
            BelongsToDriver = true,
        },
    ];

    public required NativeLibraryKind Kind { get; init; }

    /// <summary>What the bindings' LibraryImport names.</summary>
    public required string LogicalName { get; init; }

    public required string Title { get; init; }

    public required string Remedy { get; init; }

    public required string Variable { get; init; }

    /// <summary>Best first; each is also what the loader is asked for.</summary>
    public required string[] FileNames { get; init; }

    /// <summary>Below site-packages/nvidia; * stands for any part of one name.</summary>
    public string[] PipFolders { get; init; } = [];

    /// <summary>Only the loader knows which copy fits the kernel module.</summary>
    public bool BelongsToDriver { get; init; }

    /// <summary>A library that this one opens by name, and so finds only if it is loaded before.</summary>
    public string? BuiltinsPrefix { get; init; }

    public static NativeLibraryDescription Of(NativeLibraryKind kind) =>
        Array.Find(s_all, library => library.Kind == kind) ?? throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such library.");

    public static NativeLibraryDescription? Named(string logicalName) => Array.Find(s_all, library => library.LogicalName == logicalName);
}
