using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance;

/// <summary>Runs cases of one element type on one rank and compares every element, and the bytes around the buffers, with the scalar reference.</summary>
internal sealed unsafe class CaseRunner<T>(GroupCoordinator group)
    where T : unmanaged
{
    private const int Margin = 128;
    private const byte Untouched = 0xA5;

    private readonly Element<T> _element = Elements.Of<T>();
    private readonly T[] _table = MakeTable();

    private static T[] MakeTable()
    {
        Random random = new(World.Seed);
        Element<T> element = Elements.Of<T>();
        return [.. Enumerable.Range(0, 4096).Select(_ => element.Random(random))];
    }

    internal void Run(IEnumerable<Case> cases)
    {
        foreach (Case test in cases)
        {
            T[][] inputs = [.. Enumerable.Range(0, group.WorldSize).Select(rank => Input(test, rank))];
            using Guarded input = new(test.Count, test.Misalignment);
            using Guarded output = new(test.Count, test.Misalignment);
            inputs[group.RankInGroup].CopyTo(input.Span);
            Guarded result = test.Collective == CollectiveKind.Broadcast || test.InPlace ? input : output;
            if (test.Collective == CollectiveKind.Broadcast)
                group.Broadcast(input.Span, test.Root);
            else
                group.AllReduce<T>(input.Span, result.Span, test.Op);

            input.AssertMarginsUntouched(test);
            output.AssertMarginsUntouched(test);
            if (result == output)
                Assert.True(input.Bytes.SequenceEqual(MemoryMarshal.AsBytes<T>(inputs[group.RankInGroup])), $"{test}: the input was changed.");
            Compare(test, inputs, result.Span);
        }
    }

    /// <summary>Drawn from a table by a hash, so that every rank can make every rank's input quickly.</summary>
    private T[] Input(Case test, int rank)
    {
        uint state = unchecked((uint)((test.Seed * 97) + rank) * 2654435761u);
        T[] values = new T[test.Count];
        for (int i = 0; i < values.Length; i++)
        {
            state = unchecked((state * 1664525u) + 1013904223u);
            values[i] = _table[state >> 20];
        }

        return values;
    }

    private void Compare(Case test, T[][] inputs, ReadOnlySpan<T> result)
    {
        Span<T> column = stackalloc T[inputs.Length];
        for (int i = 0; i < result.Length; i++)
        {
            for (int rank = 0; rank < inputs.Length; rank++)
                column[rank] = inputs[rank][i];
            bool right = test.Collective == CollectiveKind.Broadcast
                ? MemoryMarshal.AsBytes(column.Slice(test.Root, 1)).SequenceEqual(MemoryMarshal.AsBytes(result.Slice(i, 1)))
                : inputs.Length == 1 ? _element.Same(column[0], result[i]) : _element.Same(_element.Reduce(column, test.Op), result[i]);
            if (!right)
                Assert.Fail($"{test}, {group.WorldSize} ranks, rank {group.Rank}: element {i} is {result[i]}, expected {(test.Collective == CollectiveKind.Broadcast ? column[test.Root] : _element.Reduce(column, test.Op))} from [{string.Join(", ", column.ToArray())}].");
        }
    }

    /// <summary>A buffer at any address with untouched bytes on both sides.</summary>
    private sealed class Guarded : IDisposable
    {
        private readonly byte* _memory;
        private readonly int _bytes;
        private readonly int _start;

        internal Guarded(int count, int misalignment)
        {
            _start = Margin + misalignment;
            _bytes = count * sizeof(T);
            _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(_start + _bytes + Margin), 64);
            new Span<byte>(_memory, _start + _bytes + Margin).Fill(Untouched);
        }

        internal Span<T> Span => new(_memory + _start, _bytes / sizeof(T));

        internal ReadOnlySpan<byte> Bytes => new(_memory + _start, _bytes);

        internal void AssertMarginsUntouched(Case test)
        {
            bool before = new ReadOnlySpan<byte>(_memory, _start).ContainsAnyExcept(Untouched);
            bool after = new ReadOnlySpan<byte>(_memory + _start + _bytes, Margin).ContainsAnyExcept(Untouched);
            Assert.False(before || after, $"{test}: bytes {(before ? "before" : "behind")} the buffer were written.");
        }

        public void Dispose() => NativeMemory.AlignedFree(_memory);
    }
}
