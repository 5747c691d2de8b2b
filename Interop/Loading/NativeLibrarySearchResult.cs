namespace CollectivesSharp.Interop;

/// <summary>Handle 0: not found.</summary>
internal sealed record NativeLibrarySearchResult(nint Handle, string? Path, IReadOnlyList<NativeLibraryAttempt> Trace);
