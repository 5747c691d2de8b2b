namespace CollectivesSharp;

/// <summary>What joins the GPUs of two ranks. In ascending order of what a cautious table expects of it.</summary>
internal enum PeerLink
{
    SameGpu,
    NvLink,

    /// <summary>Neither of the two processes sees both GPUs.</summary>
    Unknown,

    Pcie,
}
