using System.Runtime.InteropServices;
using Xunit;

namespace CollectivesSharp.Conformance;

internal static class Guarded
{
    internal const int Margin = 128;

    /// <summary>What a buffer needs more than its content, at most: margins and a misalignment.</summary>
    internal const int Around = (2 * Margin) + 64;
}

/// <summary>A buffer at any address with untouched bytes on both sides.</summary>
internal sealed unsafe class Guarded<T> : IDisposable
    where T : unmanaged
{
    private const int Margin = Guarded.Margin;
    private const byte Untouched = 0xA5;

    private readonly byte* _memory;
    private readonly bool _owns;
    private readonly int _bytes;
    private readonly int _start;

    /// <param name="inside">Where it lies, from the beginning; null: in memory of its own.</param>
    internal Guarded(int count, int misalignment, HostBuffer<byte>? inside = null)
    {
        _start = Margin + misalignment;
        _bytes = count * sizeof(T);
        _owns = inside is null;
        if (_start + _bytes + Margin > (inside?.Length ?? int.MaxValue))
            throw new ArgumentException($"{_bytes} bytes at {_start} in {inside!.Length}");
        _memory = inside is null ? (byte*)NativeMemory.AlignedAlloc((nuint)(_start + _bytes + Margin), 64) : inside.Pointer;
        new Span<byte>(_memory, _start + _bytes + Margin).Fill(Untouched);
    }

    internal Span<T> Span => new(_memory + _start, _bytes / sizeof(T));

    internal void AssertMarginsUntouched(Case test)
    {
        bool before = new ReadOnlySpan<byte>(_memory, _start).ContainsAnyExcept(Untouched);
        bool after = new ReadOnlySpan<byte>(_memory + _start + _bytes, Margin).ContainsAnyExcept(Untouched);
        Assert.False(before || after, $"{test}: bytes {(before ? "before" : "behind")} the buffer were written.");
    }

    public void Dispose()
    {
        if (_owns)
            NativeMemory.AlignedFree(_memory);
    }
}
