using System.Text;

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

    /// <summary>Compare-set brings two values.</summary>
    internal int MaxFrameBytes => (int)Math.Min(Array.MaxLength, (2L * MaxValueBytes) + MaxKeyBytes + 64);

    /// <summary>Returns the key's length in bytes.</summary>
    internal int CheckKey(string key)
    {
        int bytes = Encoding.UTF8.GetByteCount(key);
        return bytes > 0 && bytes <= MaxKeyBytes ? bytes : throw new StoreException($"A key of {bytes} bytes; a store takes 1 to {MaxKeyBytes}.");
    }

    internal void CheckValue(string key, int bytes)
    {
        if (bytes > MaxValueBytes)
            throw new StoreException($"Set of key '{key}': {bytes} bytes; the limit is {MaxValueBytes} bytes a value.");
    }

    internal void CheckTotal(string key, long bytes)
    {
        if (bytes > MaxTotalBytes)
            throw new StoreException($"Set of key '{key}': the store would hold {bytes} bytes; the limit is {MaxTotalBytes}.");
    }
}
