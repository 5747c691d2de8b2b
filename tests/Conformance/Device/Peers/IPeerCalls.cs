namespace CollectivesSharp.Conformance.Device;

/// <summary>Calls on one rank that are enqueued in any order, among others, and looked at together.</summary>
internal interface IPeerCalls : IDisposable
{
    int Count { get; }

    /// <summary>Of device memory.</summary>
    nuint Bytes { get; }

    /// <summary>New inputs; the outputs hold what must be overwritten.</summary>
    void Load(int round);

    void Enqueue(int call, nint stream);

    /// <summary>Compares all of them with what the host gets.</summary>
    void Check(int round);
}
