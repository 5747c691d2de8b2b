namespace CollectivesSharp;

/// <summary>The route that a call takes, and why it and not another one.</summary>
public readonly record struct AllReduceChoice(AllReduceRoute Route, string Reason)
{
    private readonly IReadOnlyList<AllReduceRejection>? _others;

    /// <summary>All other routes, and why each was not taken. Filled in by <see cref="GroupCoordinator.Route"/>.</summary>
    public IReadOnlyList<AllReduceRejection> Others
    {
        get => _others ?? [];
        init => _others = value;
    }

    public override string ToString() => Others.Count == 0 ? $"{Route}: {Reason}" : $"{Route}: {Reason} ({string.Join("; ", Others)})";

    public bool Equals(AllReduceChoice other) => Route == other.Route && Reason == other.Reason;

    public override int GetHashCode() => HashCode.Combine(Route, Reason);
}
