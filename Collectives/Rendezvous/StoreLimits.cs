namespace CollectivesSharp;

/// <summary>What a store accepts, so that no client can exhaust the rank that serves it. Sizes in bytes.</summary>
public sealed record StoreLimits
{
    public static StoreLimits Default { get; } = new();

    public int MaxKeyBytes { get; init; } = 1024;

    public int MaxValueBytes { get; init; } = 16 << 20;

    /// <summary>Of all keys and values together.</summary>
    public long MaxTotalBytes { get; init; } = 256L << 20;

    public int MaxConnections { get; init; } = 4096;

    /// <summary>For a connection to authenticate itself, and for the rest of a frame once its first byte has come.</summary>
    public TimeSpan FrameTimeout { get; init; } = TimeSpan.FromSeconds(10);

    internal int MaxFrameBytes => MaxValueBytes + MaxKeyBytes + 64;
}
