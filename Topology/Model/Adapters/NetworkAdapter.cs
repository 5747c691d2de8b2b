using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>An RDMA device of /sys/class/infiniband, or a network interface with hardware behind it that belongs to none.</summary>
public sealed record NetworkAdapter
{
    /// <summary>Place among the adapters: RDMA devices first, by name (mlx5_2 before mlx5_10), then the others.</summary>
    public required int Index { get; init; }

    /// <summary>mlx5_0, or eth0.</summary>
    public required string Name { get; init; }

    public required AdapterKind Kind { get; init; }

    /// <summary>Null for a device without PCIe behind it (software RDMA, a bond, a paravirtual interface).</summary>
    public PciDevice? Pci { get; init; }

    /// <summary>Whether it is of /sys/class/infiniband, and so a column of the matrix.</summary>
    public bool IsRdma { get; init; }

    public ImmutableArray<AdapterPort> Ports { get; init; } = [];

    /// <summary>Network interfaces on the same hardware.</summary>
    public ImmutableArray<NetworkInterface> Interfaces { get; init; } = [];

    public string NodeGuid { get; init; } = "";

    /// <summary>Equal on all functions of one card.</summary>
    public string SystemImageGuid { get; init; } = "";

    public string Firmware { get; init; } = "";

    public string Board { get; init; } = "";

    /// <summary>Adapters with the same number are ports of one card.</summary>
    public int Card { get; init; }

    /// <summary>The bond that it is, or is a member of; empty if none.</summary>
    public string Bond { get; init; } = "";

    /// <summary>Whether any port can carry traffic now.</summary>
    public bool Active => Ports.IsEmpty ? Interfaces.Any(item => item.Up) : Ports.Any(port => port.Active);

    /// <summary>The fastest active port's rate, or that of the fastest interface that is up; Gb/s, 0 if not known.</summary>
    public double GigabitsPerSecond => Ports.IsEmpty
        ? Interfaces.Where(item => item.Up).Select(item => item.GigabitsPerSecond).DefaultIfEmpty().Max()
        : Ports.Where(port => port.Active).Select(port => port.GigabitsPerSecond).DefaultIfEmpty().Max();
}
