using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Tells whether sums are right, on the device: all that it enqueues goes on the stream of the measurement, also while that is captured.</summary>
internal interface IAllReduceCheck : IDisposable
{
    /// <summary>How often a route is called for it at a size, with inputs that differ from call to call.</summary>
    int Calls { get; }

    /// <summary>Forgets what was counted.</summary>
    void Begin();

    /// <summary>Enqueues this rank's input; another seed gives another one.</summary>
    void Fill(nint input, nuint count, DataType type, int seed);

    /// <summary>Enqueues a count of the elements that are not the sum of all ranks' inputs of that seed.</summary>
    void Count(nint output, nuint count, DataType type, int seed);

    /// <summary>What was counted since <see cref="Begin"/>, on this rank; the stream has come to its end.</summary>
    long Wrong();
}
