namespace CollectivesSharp;

/// <summary>A route that a call does not take, and why.</summary>
public readonly record struct AllReduceRejection(AllReduceRoute Route, string Reason)
{
    public override string ToString() => $"not {Route}: {Reason}";
}
