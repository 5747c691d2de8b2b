using System.Buffers;
using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>
/// Host memory of one rank that the other ranks of its node can read: <see cref="GroupCoordinator.AllocateHost"/> makes it. It is used like any other memory, in whole or in part, in every call;
/// the group that made it moves long messages out of it without copying them first. Any thread may read and write it, though not its part of a call while that call is in flight.
/// </summary>
/// <remarks>
/// <see cref="IDisposable.Dispose"/> concerns this rank alone and may come at any time but during a call that uses the memory, also after the group's end. One that nobody disposes and nobody refers
/// to any more is released like any handle, where all ranks share a node not before its group. A <see cref="Span{T}"/> of it does not keep it alive; a <see cref="Memory{T}"/> does.
/// </remarks>
/// <typeparam name="T">The element.</typeparam>
public sealed unsafe class HostBuffer<T> : MemoryManager<T>
    where T : unmanaged
{
    private readonly SafeBuffer _memory;

    internal HostBuffer(SafeBuffer memory, int length)
    {
        _memory = memory;
        Length = length;
    }

    /// <summary>In elements.</summary>
    public int Length { get; }

    /// <summary>For callers of <see cref="IHostCommunicator"/>; on a boundary of 4 KiB at least.</summary>
    public T* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory.IsClosed, this);
            return (T*)_memory.DangerousGetHandle();
        }
    }

    /// <inheritdoc/>
    public override Span<T> GetSpan() => new(Pointer, Length);

    /// <summary>The whole of it.</summary>
    public Span<T> Span => GetSpan();

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, Length);
        bool held = false;
        _memory.DangerousAddRef(ref held);
        return new MemoryHandle((T*)_memory.DangerousGetHandle() + elementIndex, default, this);
    }

    /// <inheritdoc/>
    public override void Unpin() => _memory.DangerousRelease();

    /// <summary>See the remarks.</summary>
    public void Dispose() => ((IDisposable)this).Dispose();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _memory.Dispose();
}
