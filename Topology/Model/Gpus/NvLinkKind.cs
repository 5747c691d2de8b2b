namespace CollectivesSharp.Topology;

/// <summary>How the NVLinks between two GPUs run.</summary>
public enum NvLinkKind
{
    /// <summary>From GPU to GPU.</summary>
    Direct,

    /// <summary>Through NVSwitches that NVML shows.</summary>
    Switch,

    /// <summary>The other ends are hidden (passed through to a VM): taken for NVSwitches, as NCCL does. Measure before relying on it.</summary>
    Inferred,
}
