using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>A PCIe device and the bridges above it, as sysfs shows them. In a VM that is what the hypervisor pretends.</summary>
public sealed record PciDevice
{
    public required PciAddress Address { get; init; }

    /// <summary>The host bridge, such as pci0000:80; null where sysfs does not show the device.</summary>
    public string? Root { get; init; }

    /// <summary>Bridges from the root port down to the device's parent: root port, then a switch's upstream and downstream port, and so on.</summary>
    public ImmutableArray<PciAddress> Bridges { get; init; } = [];

    /// <summary>24 bits: 0x030200 is a 3D controller, 0x020700 an InfiniBand controller.</summary>
    public uint? Class { get; init; }

    public ushort? Vendor { get; init; }

    public ushort? Device { get; init; }

    public ushort? SubsystemVendor { get; init; }

    public ushort? SubsystemDevice { get; init; }

    /// <summary>The NUMA node it hangs on; null where the firmware does not tell (sysfs: -1).</summary>
    public int? NumaNode { get; init; }

    /// <summary>Processors next to it, as a list: 0-31,64-95.</summary>
    public string? LocalCpus { get; init; }

    public PcieLink Link { get; init; }

    /// <summary>The kernel driver that holds it.</summary>
    public string? Driver { get; init; }

    /// <summary>Set on a virtual function: the function that it was made from.</summary>
    public PciAddress? PhysicalFunction { get; init; }

    /// <summary>How many virtual functions are made from this device now.</summary>
    public int VirtualFunctions { get; init; }

    /// <summary>What this device and <paramref name="other"/> have to cross. <paramref name="oneNode"/>: the machine has one NUMA node, so that a missing number means that one.</summary>
    internal PciePath PathTo(PciDevice other, bool oneNode)
    {
        if (Address == other.Address)
            return PciePath.Self;
        if (Address.Slot == other.Address.Slot)
            return PciePath.SingleSwitch;
        if (Root is null || other.Root is null || Root != other.Root)
            return SameNode(other, oneNode) ? PciePath.Node : PciePath.System;
        int common = 0;
        while (common < Math.Min(Bridges.Length, other.Bridges.Length) && Bridges[common] == other.Bridges[common])
            common++;
        if (common == 0)
            return PciePath.HostBridge;
        // Below the last common bridge one switch leaves its downstream port on each side, and no more.
        return Math.Max(Bridges.Length, other.Bridges.Length) - common <= 1 ? PciePath.SingleSwitch : PciePath.MultipleSwitches;
    }

    private bool SameNode(PciDevice other, bool oneNode) => oneNode || (NumaNode is { } node && node == other.NumaNode);
}
