namespace CollectivesSharp.Interop;

/// <summary>The libraries that <see cref="NativeLibraryLocator"/> looks for.</summary>
public enum NativeLibraryKind
{
    /// <summary>libcuda, the driver.</summary>
    Cuda,

    /// <summary>libnvrtc, the run-time compiler, with its builtins.</summary>
    Nvrtc,

    /// <summary>libnccl.</summary>
    Nccl,

    /// <summary>libnvidia-ml, installed with the driver.</summary>
    Nvml,
}
