using System.Runtime.CompilerServices;

namespace CollectivesSharp.Cuda;

/// <summary>
/// Memory of a GPU that somebody else owns: a pointer and a length in elements. The currency of every device call; made from any library's pointer. It keeps nothing alive
/// and checks nothing: whoever passes it sees to it that the memory lives until the work on the stream is done.
/// </summary>
public readonly struct DeviceSpan<T>
    where T : unmanaged
{
    /// <param name="pointer">CUdeviceptr.</param>
    /// <param name="length">In elements.</param>
    /// <exception cref="ArgumentOutOfRangeException">So many elements have more bytes than there are addresses behind the pointer.</exception>
    public DeviceSpan(nint pointer, nuint length)
    {
        if (length > (nuint.MaxValue - (nuint)pointer) / (nuint)Unsafe.SizeOf<T>())
            throw new ArgumentOutOfRangeException(nameof(length), length, $"{length} elements of {Unsafe.SizeOf<T>()} bytes at 0x{pointer:x} go beyond the last address.");
        Pointer = pointer;
        Length = length;
    }

    /// <summary>CUdeviceptr.</summary>
    public nint Pointer { get; }

    /// <summary>In elements.</summary>
    public nuint Length { get; }

    public bool IsEmpty => Length == 0;

    public nuint LengthInBytes => Length * (nuint)Unsafe.SizeOf<T>();

    public DeviceSpan<T> Slice(nuint start)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length);
        return Slice(start, Length - start);
    }

    public DeviceSpan<T> Slice(nuint start, nuint length)
    {
        if (start > Length || length > Length - start)
            throw new ArgumentOutOfRangeException(nameof(start), $"{length} elements from {start} of {Length}.");
        return new(Pointer + (nint)(start * (nuint)Unsafe.SizeOf<T>()), length);
    }

    /// <summary>The same bytes as elements of another type; a rest that is no whole element is left out.</summary>
    public DeviceSpan<TTo> Cast<TTo>()
        where TTo : unmanaged
        => new(Pointer, LengthInBytes / (nuint)Unsafe.SizeOf<TTo>());

    public override string ToString() => $"{Length} × {typeof(T).Name} at 0x{Pointer:x}";
}
