using System.Buffers;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Tensors in host memory that are reduced, or broadcast, together: <see cref="Execute"/> packs those of one type, operation and root into one buffer, makes one call for each,
/// and unpacks. What it saves is the price of a call, so it is for small tensors: gradients of biases and norms, counters, flags. Every rank adds the same in the same order.
/// The bits are those of single calls. Not for several threads; Dispose drops what was not executed.
/// </summary>
/// <example><code>
/// using HostBatch batch = group.Batch();
/// foreach (Parameter parameter in small)
///     batch.AllReduce(parameter.Gradient, ReduceOp.Average);
/// batch.Execute();
/// </code></example>
public sealed class HostBatch : IDisposable
{
    private readonly GroupCoordinator _group;
    private readonly List<Entry> _entries = [];

    internal HostBatch(GroupCoordinator group) => _group = group;

    private enum Kind
    {
        AllReduce,
        Broadcast,
    }

    /// <summary>Tensors that wait for <see cref="Execute"/>.</summary>
    public int Count => _entries.Count;

    /// <summary>In place. The memory must stay untouched until <see cref="Execute"/> has returned.</summary>
    public void AllReduce<T>(Memory<T> buffer, ReduceOp op = ReduceOp.Sum)
        where T : unmanaged
    {
        if (!Enum.IsDefined(op))
            throw new ArgumentOutOfRangeException(nameof(op), op, "No such reduction.");
        Add(Kind.AllReduce, buffer, op, 0);
    }

    /// <summary>From the root, a rank in the group, to all others.</summary>
    public void Broadcast<T>(Memory<T> buffer, int root)
        where T : unmanaged
    {
        if ((uint)root >= (uint)_group.WorldSize)
            throw new ArgumentOutOfRangeException(nameof(root), root, $"A root is a rank in the group, 0 to {_group.WorldSize - 1}.");
        Add(Kind.Broadcast, buffer, default, root);
    }

    /// <summary>Collective: one call for each type, operation and root that was added, in the order of their first tensors. Afterwards the batch is empty and can be filled again.</summary>
    public unsafe void Execute(HostCallOptions options = default)
    {
        try
        {
            IHostCommunicator? host = _group.HostCommunicator;
            foreach (IGrouping<(Kind, DataType, ReduceOp, int), Entry> together in _entries.GroupBy(entry => (entry.Kind, entry.Type, entry.Op, entry.Root)))
            {
                if (host is null)
                    break;
                (Kind kind, DataType type, ReduceOp op, int root) = together.Key;
                int bytes = checked(together.Sum(entry => entry.Bytes));
                byte[] packed = ArrayPool<byte>.Shared.Rent(Math.Max(bytes, 1));
                try
                {
                    Span<byte> rest = packed;
                    foreach (Entry entry in together)
                    {
                        entry.Span.CopyTo(rest);
                        rest = rest[entry.Bytes..];
                    }

                    fixed (byte* data = packed)
                    {
                        nuint count = (nuint)(bytes / type.SizeInBytes());
                        if (kind == Kind.AllReduce)
                            host.AllReduce((nint)data, (nint)data, count, type, op, options);
                        else
                            host.Broadcast((nint)data, count, type, root, options);
                    }

                    rest = packed;
                    foreach (Entry entry in together)
                    {
                        rest[..entry.Bytes].CopyTo(entry.Span);
                        rest = rest[entry.Bytes..];
                    }
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(packed);
                }
            }
        }
        finally
        {
            Dispose();
        }
    }

    public void Dispose()
    {
        foreach (Entry entry in _entries)
            entry.Pin.Dispose();
        _entries.Clear();
    }

    private void Add<T>(Kind kind, Memory<T> buffer, ReduceOp op, int root)
        where T : unmanaged
    {
        DataType type = DataTypeExtensions.Of<T>();
        _entries.Add(new Entry(kind, type, op, root, checked(buffer.Length * type.SizeInBytes()), buffer.Pin()));
    }

    private readonly record struct Entry(Kind Kind, DataType Type, ReduceOp Op, int Root, int Bytes, MemoryHandle Pin)
    {
        internal unsafe Span<byte> Span => new(Pin.Pointer, Bytes);
    }
}
