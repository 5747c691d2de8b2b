namespace CollectivesSharp.Topology;

/// <summary>How a PCIe link is trained now and what both ends could do. Speed in GT/s a lane, width in lanes; 0: not known.</summary>
public readonly record struct PcieLink(double Speed, int Width, double MaxSpeed, int MaxWidth)
{
    /// <summary>Of one direction, in GB/s after line coding; 0 if not known. An idle GPU shows a lower speed than under load.</summary>
    public double MaxBandwidth => MaxSpeed <= 0 || MaxWidth <= 0 ? 0 : MaxSpeed * MaxWidth / 8 * (MaxSpeed > 5 ? 128.0 / 130 : 0.8);
}
