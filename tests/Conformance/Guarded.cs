using System.Runtime.InteropServices;
using Xunit;

namespace CollectivesSharp.Conformance;

/// <summary>A buffer at any address with untouched bytes on both sides.</summary>
internal sealed unsafe class Guarded<T> : IDisposable
    where T : unmanaged
{
    private const int Margin = 128;
    private const byte Untouched = 0xA5;

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

    internal void AssertMarginsUntouched(Case test)
    {
        bool before = new ReadOnlySpan<byte>(_memory, _start).ContainsAnyExcept(Untouched);
        bool after = new ReadOnlySpan<byte>(_memory + _start + _bytes, Margin).ContainsAnyExcept(Untouched);
        Assert.False(before || after, $"{test}: bytes {(before ? "before" : "behind")} the buffer were written.");
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);
}
