namespace CollectivesSharp.Perf;

/// <summary>A piece of one of a rank's two buffers, in elements.</summary>
/// <param name="Buffer">0 or 1.</param>
internal readonly record struct Part(int Buffer, long Start, long Length)
{
    internal Part Slice(long start, long length) => new(Buffer, Start + start, length);
}
