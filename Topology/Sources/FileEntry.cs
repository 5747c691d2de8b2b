namespace CollectivesSharp.Topology;

/// <summary>What lies at a path of a <see cref="FileTree"/>; <paramref name="Target"/> is a link's.</summary>
internal readonly record struct FileEntry(FileEntryKind Kind, string? Target = null);
