namespace CollectivesSharp;

/// <summary>The route that a call takes, and why it and not another one.</summary>
public readonly record struct AllReduceChoice(AllReduceRoute Route, string Reason)
{
    public override string ToString() => $"{Route}: {Reason}";
}
