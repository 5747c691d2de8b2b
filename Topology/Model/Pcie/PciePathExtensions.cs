namespace CollectivesSharp.Topology;

public static class PciePathExtensions
{
    /// <summary>nvidia-smi's word for it: X, PIX, PXB, PHB, NODE, SYS.</summary>
    public static string Label(this PciePath path) => path switch
    {
        PciePath.Self => "X",
        PciePath.SingleSwitch => "PIX",
        PciePath.MultipleSwitches => "PXB",
        PciePath.HostBridge => "PHB",
        PciePath.Node => "NODE",
        _ => "SYS",
    };
}
