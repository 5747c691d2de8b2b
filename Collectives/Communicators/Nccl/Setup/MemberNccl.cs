using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>The NCCL that a rank has loaded, as every member knows it.</summary>
/// <param name="Version">ncclGetVersion's code: 22809 is 2.28.9.</param>
/// <param name="Path">Its file; null if the loader does not tell.</param>
public sealed record MemberNccl(int Version, string? Path)
{
    public override string ToString() => $"NCCL {NcclFeatures.VersionText(Version)} ({Path ?? "path unknown"})";
}
