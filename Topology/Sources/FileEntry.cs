namespace CollectivesSharp.Topology;

/// <summary>What lies at a path of a <see cref="FileTree"/>; <paramref name="Target"/> is a link's.</summary>
internal sealed record FileEntry(FileEntryKind Kind, string? Target = null);
