using System.Text.Json.Serialization;

namespace CollectivesSharp;

/// <summary>What one of the two ranks of a pair knows afterwards: the source the times, the target what arrived.</summary>
internal sealed record PairShare(int From, int To, PairTransport Transport)
{
    public double? Seconds { get; init; }

    public double? Latency { get; init; }

    public long WrongBytes { get; init; }

    public string? Objection { get; init; }
}

[JsonSerializable(typeof(PairShare[]))]
internal sealed partial class PairShareJson : JsonSerializerContext;
