namespace CollectivesSharp.Conformance;

/// <summary>What each collective is, for one rank: how long its buffers are, where its part lies, what must come out.</summary>
internal sealed class Definition<T>(int ranks, int rank)
    where T : unmanaged
{
    private readonly Element<T> _element = Elements.Of<T>();

    /// <summary>In elements: where this rank's part begins in the larger of the two buffers.</summary>
    internal int OwnStart(Case test) => test.Collective is CollectiveKind.AllGather or CollectiveKind.ReduceScatter or CollectiveKind.Gather or CollectiveKind.Scatter
        ? test.Counts(ranks).Take(rank).Sum()
        : 0;

    internal int InputLength(Case test, int of) => test.Collective switch
    {
        CollectiveKind.AllGather => test.Counts(ranks)[of],
        CollectiveKind.ReduceScatter => test.Counts(ranks).Sum(),
        CollectiveKind.Scatter => of == test.Root ? test.Count * ranks : 0,
        CollectiveKind.AllToAll => test.Count * ranks,
        CollectiveKind.AllToAllV => test.Counts(ranks, of).Sum(),
        _ => test.Count,
    };

    internal int OutputLength(Case test, int of) => test.Collective switch
    {
        CollectiveKind.ReduceScatter => test.Counts(ranks)[of],
        CollectiveKind.AllGather => test.Counts(ranks).Sum(),
        CollectiveKind.Gather => of == test.Root ? test.Count * ranks : 0,
        CollectiveKind.Reduce => of == test.Root ? test.Count : 0,
        CollectiveKind.AllToAll => test.Count * ranks,
        CollectiveKind.AllToAllV => Enumerable.Range(0, ranks).Sum(from => test.Counts(ranks, from)[of]),
        _ => test.Count,
    };

    /// <param name="test">SendReceive: to the rank that is <see cref="Case.Root"/> places further.</param>
    /// <param name="inputs">Of every rank.</param>
    /// <param name="period">All inputs repeat themselves after so many elements: what is reduced does so too.</param>
    internal T[] Expected(Case test, T[][] inputs, int period = int.MaxValue)
    {
        int[] counts = test.Counts(ranks);
        switch (test.Collective)
        {
            case CollectiveKind.AllReduce: return Reduced(test, inputs, 0, test.Count, period);
            case CollectiveKind.Reduce: return rank == test.Root ? Reduced(test, inputs, 0, test.Count, period) : [];
            case CollectiveKind.ReduceScatter: return Reduced(test, inputs, counts.Take(rank).Sum(), counts[rank], period);
            case CollectiveKind.Broadcast: return inputs[test.Root];
            case CollectiveKind.SendReceive: return inputs[(rank + ranks - test.Root) % ranks];
            case CollectiveKind.AllGather: return Concat(inputs);
            case CollectiveKind.Gather: return rank == test.Root ? Concat(inputs) : [];
            case CollectiveKind.Scatter: return inputs[test.Root][(rank * test.Count)..((rank + 1) * test.Count)];
            default:
                return Concat([.. Enumerable.Range(0, ranks).Select(from =>
                {
                    int[] sent = test.Counts(ranks, from);
                    int start = sent.Take(rank).Sum();
                    return inputs[from][start..(start + sent[rank])];
                })]);
        }
    }

    private T[] Reduced(Case test, T[][] inputs, int start, int count, int period)
    {
        T[] result = new T[count];
        Span<T> column = stackalloc T[ranks];
        for (int i = 0; i < Math.Min(count, period); i++)
        {
            for (int from = 0; from < ranks; from++)
                column[from] = inputs[from][start + i];
            result[i] = ranks == 1 ? column[0] : _element.Reduce(column, test.Op);
        }

        for (int done = period; done < count; done += period)
            result.AsSpan(0, Math.Min(period, count - done)).CopyTo(result.AsSpan(done));
        return result;
    }

    private static T[] Concat(T[][] parts)
    {
        T[] whole = new T[parts.Sum(part => part.Length)];
        int start = 0;
        foreach (T[] part in parts)
        {
            part.CopyTo(whole, start);
            start += part.Length;
        }

        return whole;
    }
}
