namespace CollectivesSharp;

/// <summary>The route that such a call takes on every rank, and why.</summary>
public readonly record struct AllReduceRmsNormChoice(AllReduceRmsNormRoute Route, string Reason)
{
    public override string ToString() => $"{Route}: {Reason}";
}
