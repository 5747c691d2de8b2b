namespace CollectivesSharp;

/// <summary>A rank aborted the group, on request or because its call was cancelled.</summary>
public sealed class GroupAbortedException(string message, string group, string operation, long sequence, int abortedBy)
    : CollectiveException(message, group, operation, sequence)
{
    /// <summary>The rank (in the world) that did.</summary>
    public int AbortedBy { get; } = abortedBy;
}
