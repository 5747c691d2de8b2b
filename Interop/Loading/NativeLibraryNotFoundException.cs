namespace CollectivesSharp.Interop;

/// <summary>A library is not on this machine or can't be used; the message lists each place that was looked at and why it was passed over.</summary>
public sealed class NativeLibraryNotFoundException : DllNotFoundException
{
    public NativeLibraryNotFoundException()
    {
    }

    public NativeLibraryNotFoundException(string message)
        : base(message)
    {
    }

    public NativeLibraryNotFoundException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal NativeLibraryNotFoundException(NativeLibraryKind kind, IReadOnlyList<NativeLibraryAttempt> trace)
        : base(Describe(NativeLibraryDescription.Of(kind), trace))
    {
        Kind = kind;
        Trace = trace;
    }

    public NativeLibraryKind Kind { get; }

    public IReadOnlyList<NativeLibraryAttempt> Trace { get; } = [];

    private static string Describe(NativeLibraryDescription library, IReadOnlyList<NativeLibraryAttempt> trace) =>
        $"{library.Title} ({library.FileNames[0]}) was not found. {library.Remedy} Or name its file by {library.Variable} or NativeLibraryLocator.SetPath. Tried:"
        + string.Concat(trace.Select(attempt => $"{Environment.NewLine}  {attempt}"));
}
