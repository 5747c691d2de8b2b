namespace CollectivesSharp.Cuda;

/// <summary>The ranks of a group can't have peer memory. Thrown on every rank that takes part, with the same reasons; each rank may go on without.</summary>
public sealed class PeerMemoryException(string message) : Exception(message);
