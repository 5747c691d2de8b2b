using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>A row of the exchange's segment, a word a rank. Keeps the segment mapped.</summary>
internal sealed unsafe class PeerBoard : IPeerBoard
{
    private readonly SharedSegment _segment;
    private readonly int* _row;
    private readonly IReadOnlyList<PeerProcess> _processes;
    private readonly int _rank;
    private int _disposed;

    internal PeerBoard(SharedSegment segment, int row, IReadOnlyList<PeerProcess> processes, int rank)
    {
        bool held = false;
        segment.DangerousAddRef(ref held);
        (_segment, _processes, _rank) = (segment, processes, rank);
        _row = (int*)segment.Base + (row * processes.Count);
    }

    public void Announce(int value) => Volatile.Write(ref _row[_rank], value);

    public int Announced(int rank) => Volatile.Read(ref _row[rank]);

    public bool HasEnded(int rank) => !ProcessIdentity.IsAlive(_processes[rank].Id, _processes[rank].StartTime);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            _segment.DangerousRelease();
    }
}
