namespace CollectivesSharp.Topology;

/// <summary>What surrounds this process. Empty: no sign was found, or nothing tells.</summary>
public sealed record Platform
{
    /// <summary>docker, podman, kubernetes, lxc, container.</summary>
    public string Container { get; init; } = "";

    /// <summary>The hypervisor or cloud: kvm, Microsoft, Amazon EC2, Google, VMware, Xen, or "hypervisor". PCIe paths are then what it pretends.</summary>
    public string VirtualMachine { get; init; } = "";

    /// <summary>The machine's product name, as its firmware tells.</summary>
    public string Product { get; init; } = "";

    /// <summary>x86_64 or arm64.</summary>
    public string CpuArchitecture { get; init; } = "";

    /// <summary>GenuineIntel, AuthenticAMD; on arm64 the implementer's code.</summary>
    public string CpuVendor { get; init; } = "";

    /// <summary>As /proc/cpuinfo counts; 0 if not known.</summary>
    public int CpuFamily { get; init; }

    public int CpuModel { get; init; }

    public string CpuName { get; init; } = "";

    public string Kernel { get; init; } = "";

    public string DriverVersion { get; init; } = "";

    /// <summary>Whether the NVIDIA driver is the open flavour, which dma-buf needs; null if not known.</summary>
    public bool? OpenDriver { get; init; }
}
