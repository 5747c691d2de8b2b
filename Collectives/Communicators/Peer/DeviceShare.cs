using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace CollectivesSharp;

/// <summary>
/// How much of a device one group's kernels may hold while they wait for peers. A multiprocessor takes two blocks of every kernel that waits, of 512 threads and 64 registers at most (TWO_A_MULTIPROCESSOR; those with RMSNorm may fill it); a grid has no more blocks than
/// the device has multiprocessors. So the kernels of two groups run at once in any order, and neither keeps the other's from starting, while each holds one grid. A dependent launch lets a second grid of a group in, which
/// holds its place until the first has ended: where another group of this process lives on the device, only while the two together are no larger than one may be. What a capture has recorded stays as it is.
/// </summary>
internal sealed class DeviceShare
{
    private const int ThreadsInPlace = 512;

    private static readonly ConcurrentDictionary<int, StrongBox<int>> s_groups = new();

    private readonly StrongBox<int> _groups;
    private readonly int _multiprocessors;
    private int _last;

    internal DeviceShare(int device, int multiprocessors)
    {
        (_groups, _multiprocessors) = (s_groups.GetOrAdd(device, _ => new StrongBox<int>()), multiprocessors);
        Interlocked.Increment(ref _groups.Value);
    }

    /// <summary>Once.</summary>
    internal void Release() => Interlocked.Decrement(ref _groups.Value);

    /// <summary>For each launch of the group, in their order: whether it may start before the one in front of it has ended.</summary>
    internal bool Take(int blocks, int threads)
    {
        (int before, int own) = (_last, _last = blocks * ((threads + ThreadsInPlace - 1) / ThreadsInPlace));
        return Volatile.Read(ref _groups.Value) <= 1 || before + own <= _multiprocessors;
    }
}
