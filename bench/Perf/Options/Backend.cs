namespace CollectivesSharp.Perf;

/// <summary>Where the buffers lie.</summary>
internal enum Backend
{
    /// <summary>On GPUs if there is one for each rank and a way between them, else in host memory.</summary>
    Auto,

    Host,
    Cuda,
}
