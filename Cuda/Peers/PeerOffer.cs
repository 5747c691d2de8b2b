using System.Text.Json.Serialization;

namespace CollectivesSharp.Cuda;

/// <summary>What a rank says before any memory is there.</summary>
internal sealed record PeerHello
{
    internal const int CurrentVersion = 1;

    public required int Version { get; init; }

    public required ulong Bytes { get; init; }

    /// <summary>"GPU 1 NVIDIA H100 0000:1b:00.0", for messages.</summary>
    public required string Device { get; init; }
}

/// <summary>Where a rank's slice lies, for those that map it, or why it has none.</summary>
internal sealed record PeerOffer
{
    public string? Objection { get; init; }

    /// <summary>Names the block in its process.</summary>
    public long Block { get; init; }

    public ulong BlockBytes { get; init; }

    public ulong Offset { get; init; }

    /// <summary>CUipcMemHandle of the block.</summary>
    public byte[]? IpcHandle { get; init; }
}

[JsonSerializable(typeof(PeerHello))]
[JsonSerializable(typeof(PeerOffer))]
internal sealed partial class PeerJson : JsonSerializerContext;
