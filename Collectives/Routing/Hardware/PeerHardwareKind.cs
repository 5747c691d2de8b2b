namespace CollectivesSharp;

/// <summary>Which of the built-in tables hold.</summary>
internal enum PeerHardwareKind
{
    /// <summary>Those that were measured on H100s and H200s.</summary>
    Measured,

    /// <summary>Cautious ones: other GPUs over NVLink, or over nobody knows what.</summary>
    Unmeasured,

    /// <summary>Our kernels for the shortest messages alone: stores of the multiprocessors over PCIe.</summary>
    Pcie,
}
