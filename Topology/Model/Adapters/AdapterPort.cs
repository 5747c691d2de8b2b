using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>A port of an RDMA adapter.</summary>
public sealed record AdapterPort
{
    /// <summary>From 1.</summary>
    public required int Number { get; init; }

    /// <summary>InfiniBand, Ethernet, or what else the kernel says.</summary>
    public string LinkLayer { get; init; } = "";

    /// <summary>ACTIVE, INIT, DOWN, ARMED.</summary>
    public string State { get; init; } = "";

    /// <summary>LinkUp, Polling, Disabled.</summary>
    public string PhysicalState { get; init; } = "";

    /// <summary>What the link is trained at, Gb/s; 0 if not known. A port that is down may still show its last one.</summary>
    public double GigabitsPerSecond { get; init; }

    /// <summary>InfiniBand's local id; 0 on Ethernet, or where no subnet manager gave one.</summary>
    public int Lid { get; init; }

    public ImmutableArray<AdapterGid> Gids { get; init; } = [];

    public bool Active => State == "ACTIVE";
}
