namespace CollectivesSharp.Cuda;

/// <summary>NVRTC refused a source; the message holds its log.</summary>
public sealed class KernelCompilationException(string message) : Exception(message);
