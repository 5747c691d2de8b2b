namespace CollectivesSharp.Cuda;

/// <summary>
/// One number of each rank that all of them can read at any time, in memory that they share: it outlives the group and its meeting point, and needs nobody's answer. Any thread.
/// </summary>
public interface IPeerBoard : IDisposable
{
    /// <summary>Stores this rank's number, 0 at first; everything that this rank did before is done for whoever reads it.</summary>
    void Announce(int value);

    int Announced(int rank);

    /// <summary>Whether the rank's process is no more, and its kernels with it. A process that is stopped has not ended.</summary>
    bool HasEnded(int rank);
}
