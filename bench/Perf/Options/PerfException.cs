namespace CollectivesSharp.Perf;

/// <summary>Something that the person at the terminal can mend: printed without a stack.</summary>
internal sealed class PerfException(string message) : Exception(message);
