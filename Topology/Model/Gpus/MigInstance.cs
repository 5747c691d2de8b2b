namespace CollectivesSharp.Topology;

/// <summary>A slice of a GPU that CUDA takes for a device of its own. It has no NVLink and no peer access.</summary>
/// <param name="Uuid">MIG-…</param>
/// <param name="Index">NVML's index within its GPU.</param>
public sealed record MigInstance(string Uuid, int Index);
