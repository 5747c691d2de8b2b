using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// The symmetric windows of a communicator. NCCL's kernels for them write wrong elements where a part of 8- or 16-bit elements does not begin at a multiple of 4 bytes (2.28.9; bench/results/nccl-symmetric-alignment.json): such calls are
/// refused. Offsets in windows are the same on all ranks, so all ranks refuse alike.
/// </summary>
internal sealed class SymmetricWindows(string library)
{
    private const nuint Alignment = 4;

    private readonly List<(nint Pointer, nuint Bytes)> _windows = [];

    internal bool Any { get; private set; }

    internal void Add(nint pointer, nuint bytes)
    {
        _windows.Add((pointer, bytes));
        Any = true;
    }

    internal void Remove(nint pointer, nuint bytes)
    {
        _windows.Remove((pointer, bytes));
        Any = _windows.Count > 0;
    }

    /// <summary>Where NCCL looks, at their beginnings.</summary>
    internal bool Hold(nint input, nint output) => Holds(input) && Holds(output);

    /// <inheritdoc cref="Check" path="/summary"/>
    internal static bool AreMisaligned(nint input, nint output, nuint partBytes, DataType type) => type.SizeInBytes() < (int)Alignment && (((nuint)input | (nuint)output | partBytes) & (Alignment - 1)) != 0;

    /// <summary><paramref name="partBytes"/>: what one rank has of a buffer that is made of parts, else 0.</summary>
    internal void Check(nint input, nint output, nuint partBytes, DataType type)
    {
        if (AreMisaligned(input, output, partBytes, type) && Hold(input, output))
            throw new NotSupportedException($"{type} in symmetric windows at 0x{input:x} and 0x{output:x}, {partBytes} bytes a part: {library} is right only where each part begins at a multiple of {Alignment} bytes. Align the parts, or register the buffers as {nameof(RegistrationKind.Local)}.");
    }

    private bool Holds(nint pointer)
    {
        foreach ((nint start, nuint bytes) in _windows)
        {
            if ((nuint)(pointer - start) < bytes)
                return true;
        }

        return false;
    }
}
