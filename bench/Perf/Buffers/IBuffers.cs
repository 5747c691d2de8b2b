namespace CollectivesSharp.Perf;

/// <summary>One rank's two buffers of one element type, each of the largest row's size, wherever they lie: filled, used by calls that are timed, checked.</summary>
internal interface IBuffers : IDisposable
{
    /// <summary>With this rank's input.</summary>
    void Fill(Part part, int seed, Operation op);

    /// <summary>
    /// Collective. Microseconds a call, on this rank: after the warm-up, over the timed calls back to back, which all ranks begin together. With <see cref="PerfOptions.Fresh"/> each call begins
    /// so, by itself, and the last one's input was filled with <see cref="PerfOptions.Iterations"/> as the seed.
    /// </summary>
    double Time(Call call);

    /// <summary>Collective. Makes the call once, by the way that is measured; returns when it is done.</summary>
    void Run(Call call);

    /// <summary>How many elements are not what all ranks' inputs reduce to from index <paramref name="first"/> on.</summary>
    long CountWrong(Part part, int seed, Operation op, long first);

    /// <summary>How many elements are not those of <paramref name="rank"/>'s input from index <paramref name="first"/> on.</summary>
    long CountWrongCopy(Part part, int seed, Operation op, int rank, long first);
}
