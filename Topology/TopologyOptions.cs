namespace CollectivesSharp.Topology;

/// <summary>Where <see cref="MachineTopology.Detect"/> looks. The defaults are this machine and this process.</summary>
public sealed record TopologyOptions
{
    /// <summary>The folder under which sys, proc and the rest are looked for. With another root than "/" NVML is not asked: the files may be another machine's.</summary>
    public string Root { get; init; } = "/";

    /// <summary>A folder that <see cref="TopologySnapshot.Record"/> wrote (tree.txt and nvml.json); goes before <see cref="Root"/>.</summary>
    public string? Snapshot { get; init; }

    /// <summary>CUDA_VISIBLE_DEVICES; null: this process's own for this machine, unset for another.</summary>
    public string? VisibleDevices { get; init; }

    /// <summary>CUDA_DEVICE_ORDER, in the same way.</summary>
    public string? DeviceOrder { get; init; }

    internal bool IsThisMachine => Snapshot is null && Root == "/";
}
