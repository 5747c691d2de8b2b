namespace CollectivesSharp.Topology;

/// <summary>What two devices have to cross to meet, nearest first. Names, not numbers, are what to persist.</summary>
public enum PciePath
{
    /// <summary>The same device.</summary>
    Self,

    /// <summary>PIX: at most one PCIe switch, or functions of one card.</summary>
    SingleSwitch,

    /// <summary>PXB: several PCIe switches, no host bridge.</summary>
    MultipleSwitches,

    /// <summary>PHB: one host bridge, that is: a CPU's root complex.</summary>
    HostBridge,

    /// <summary>NODE: two host bridges of one NUMA node.</summary>
    Node,

    /// <summary>SYS: the interconnect between NUMA nodes; also where nothing tells.</summary>
    System,
}
