namespace CollectivesSharp.Interop;

/// <summary>One place that was looked at: a path, a name given to the loader or a variable, and what was found there.</summary>
public readonly record struct NativeLibraryAttempt(string Place, string Outcome)
{
    public override string ToString() => $"{Place}: {Outcome}";
}
