namespace CollectivesSharp.Topology;

/// <summary>A network interface of /sys/class/net.</summary>
/// <param name="Name">eth0, ib0.</param>
/// <param name="Up">Whether the kernel says that it runs (operstate up).</param>
/// <param name="GigabitsPerSecond">0 if not known, as in many VMs.</param>
/// <param name="Mtu">Bytes; 0 if not known.</param>
/// <param name="Master">The bond or bridge that it belongs to; empty if none.</param>
public sealed record NetworkInterface(string Name, bool Up, double GigabitsPerSecond, int Mtu, string Master);
