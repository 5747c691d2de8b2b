using System.Runtime.InteropServices;
using Xunit;

namespace CollectivesSharp.Conformance;

/// <summary>Runs cases of one element type on one rank and compares every element, the input and the bytes around the buffers with what they must be.</summary>
internal sealed class CaseRunner<T>(GroupCoordinator group, GroupMemory? memory = null)
    where T : unmanaged
{
    /// <summary>A prime, in elements: a chunk in the wrong place does not look right by chance.</summary>
    private const int Period = 4093;

    private readonly Element<T> _element = Elements.Of<T>();
    private readonly Definition<T> _definition = new(group.WorldSize, group.RankInGroup);
    private readonly T[] _table = MakeTable();
    private readonly int _ranks = group.WorldSize;
    private readonly int _rank = group.RankInGroup;

    internal void Run(IEnumerable<Case> cases)
    {
        foreach (Case test in cases)
            Run(test);
    }

    private void Run(Case test)
    {
        T[][] inputs = [.. Enumerable.Range(0, _ranks).Select(rank => Input(test, rank))];
        T[] expected = _definition.Expected(test, inputs, Period);

        // In place the smaller buffer lies where its content belongs in the larger one.
        (HostBuffer<byte>? largeMemory, HostBuffer<byte>? otherMemory) = memory?.For(test) ?? default;
        using Guarded<T> large = new(Math.Max(inputs[_rank].Length, expected.Length), test.Misalignment, largeMemory);
        using Guarded<T> other = new(expected.Length, test.Misalignment, otherMemory);
        int start = _definition.OwnStart(test);
        bool inPlace = test.InPlace && (_rank == test.Root || test.Collective is not (CollectiveKind.Gather or CollectiveKind.Scatter));
        bool gathers = expected.Length > inputs[_rank].Length, scatters = expected.Length < inputs[_rank].Length;
        Span<T> input = inPlace && gathers ? large.Span.Slice(start, inputs[_rank].Length) : large.Span[..inputs[_rank].Length];
        Span<T> output = !inPlace || expected.Length == 0 ? other.Span : scatters ? large.Span.Slice(start, expected.Length) : large.Span[..expected.Length];
        inputs[_rank].CopyTo(input);

        Call(test, input, output);
        large.AssertMarginsUntouched(test);
        other.AssertMarginsUntouched(test);
        if (!inPlace)
            Assert.True(MemoryMarshal.AsBytes(input).SequenceEqual(MemoryMarshal.AsBytes<T>(inputs[_rank])), $"{test}: the input was changed.");
        int different = test.Reduces ? _element.FirstDifference(output, expected) : Element<T>.EqualBits(output, expected);
        if (different < expected.Length)
            Assert.Fail($"{test}, {_ranks} ranks, rank {group.Rank}: element {different} is {output[different]}, expected {expected[different]}.");
    }

    private void Call(Case test, Span<T> input, Span<T> output)
    {
        nuint[] counts = [.. test.Counts(_ranks).Select(count => (nuint)count)];
        switch (test.Collective)
        {
            case CollectiveKind.AllReduce: group.AllReduce<T>(input, output, test.Op); break;
            case CollectiveKind.Reduce: group.Reduce<T>(input, output, test.Root, test.Op); break;
            case CollectiveKind.Broadcast: group.Broadcast(input, test.Root); break;
            case CollectiveKind.AllGather when test.Varied: group.AllGather<T>(input, output, counts); break;
            case CollectiveKind.AllGather: group.AllGather<T>(input, output); break;
            case CollectiveKind.ReduceScatter when test.Varied: group.ReduceScatter<T>(input, output, counts, test.Op); break;
            case CollectiveKind.ReduceScatter: group.ReduceScatter<T>(input, output, test.Op); break;
            case CollectiveKind.Gather: group.Gather<T>(input, output, test.Root); break;
            case CollectiveKind.Scatter: group.Scatter<T>(input, output, test.Root); break;
            case CollectiveKind.AllToAll: group.AllToAll<T>(input, output); break;
            case CollectiveKind.AllToAllV:
                nuint[] send = [.. test.Counts(_ranks, _rank).Select(count => (nuint)count)];
                nuint[] receive = [.. Enumerable.Range(0, _ranks).Select(rank => (nuint)test.Counts(_ranks, rank)[_rank])];
                group.AllToAllV<T>(input, send, output, receive);
                break;
            default: throw new NotSupportedException(test.Collective.ToString());
        }
    }

    private static T[] MakeTable()
    {
        Random random = new(World.Seed);
        Element<T> element = Elements.Of<T>();
        return [.. Enumerable.Range(0, 4096).Select(_ => element.Random(random))];
    }

    /// <summary>Drawn from a table by a hash, so that every rank can make every rank's input quickly.</summary>
    private T[] Input(Case test, int rank)
    {
        uint state = unchecked((uint)((test.Seed * 97) + rank) * 2654435761u);
        T[] values = new T[_definition.InputLength(test, rank)];
        for (int i = 0; i < Math.Min(values.Length, Period); i++)
        {
            state = unchecked((state * 1664525u) + 1013904223u);
            values[i] = _table[state >> 20];
        }

        for (int done = Period; done < values.Length; done += Period)
            values.AsSpan(0, Math.Min(Period, values.Length - done)).CopyTo(values.AsSpan(done));
        return values;
    }
}
