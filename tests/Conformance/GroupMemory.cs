namespace CollectivesSharp.Conformance;

/// <summary>Memory that all ranks of a node have mapped, for the buffers of cases: which of them lie in it a case's seed tells, on all ranks alike.</summary>
internal sealed class GroupMemory : IDisposable
{
    private readonly GroupCoordinator _group;
    private readonly HostBuffer<byte> _large;
    private readonly HostBuffer<byte> _other;

    /// <summary>Collective.</summary>
    internal GroupMemory(GroupCoordinator group, IEnumerable<Case> cases)
    {
        _group = group;
        int bytes = cases.Max(test => Bytes(test, group.WorldSize)) + Guarded.Around;
        _large = group.AllocateHost<byte>(bytes);
        _other = group.AllocateHost<byte>(bytes);
    }

    /// <summary>For the larger buffer of a case, and for the other one; null: memory of this rank alone. All, no outputs, one rank not, or any.</summary>
    internal (HostBuffer<byte>? Large, HostBuffer<byte>? Other) For(Case test)
    {
        Random random = new(unchecked((test.Seed * 31) + _group.RankInGroup));
        return (test.Seed & 3) switch
        {
            0 => (_large, _other),
            1 => (_large, null),
            2 => (test.Seed >> 2) % _group.WorldSize == _group.RankInGroup ? (null, null) : (_large, _other),
            _ => (random.Next(2) == 0 ? _large : null, random.Next(2) == 0 ? _other : null),
        };
    }

    public void Dispose()
    {
        _large.Dispose();
        _other.Dispose();
    }

    /// <summary>What no buffer of a case is longer than.</summary>
    private static int Bytes(Case test, int ranks) => test.Count * (test.Varied ? 2 : 1) * ranks * Interop.DataTypeExtensions.SizeInBytes(test.Type);
}
