namespace CollectivesSharp;

/// <summary>The ranks of a group made different calls; the message says which rank called what.</summary>
public sealed class CallMismatchException(string message, string group, string operation, long sequence)
    : CollectiveException(message, group, operation, sequence);
