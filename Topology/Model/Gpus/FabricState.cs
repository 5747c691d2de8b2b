namespace CollectivesSharp.Topology;

/// <summary>NVML's states of a GPU's registration with its NVLink fabric.</summary>
public enum FabricState
{
    NotSupported = 0,
    NotStarted = 1,
    InProgress = 2,
    Completed = 3,
}
