using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>What stands before every message of a user. A long one's payload follows on demand.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MpiMessageHeader
{
    internal const int Bytes = 32;

    internal long Generation;
    internal ulong Count;
    internal int Tag;
    internal byte Type;
    internal byte IsLong;
}

/// <summary>
/// Messages that have come, in the order in which MPI handed them over, until a receive asks for them; each in native memory of its own. All members want
/// <see cref="MpiRuntime.Lock"/>.
/// </summary>
internal sealed unsafe class MpiArrivals : IDisposable
{
    private readonly MpiRequests _arriving = new(1);
    private Node* _first;
    private Node* _last;
    private Node* _open;

    internal struct Node
    {
        internal Node* Next;

        /// <summary>The sender's rank in the world.</summary>
        internal int Source;
        internal nuint Bytes;
        internal MpiMessageHeader Header;

        internal static byte* Payload(Node* node) => (byte*)&node->Header + MpiMessageHeader.Bytes;
    }

    /// <summary>Takes over all that MPI has. One at a time: what has only begun to arrive holds up what came later.</summary>
    internal void Pump(int tag, long generation, Action<int> counted)
    {
        while (true)
        {
            if (_open is null)
            {
                if (!MpiProbe.Look(tag, out int source, out nuint bytes))
                    return;
                _open = (Node*)NativeMemory.Alloc((nuint)sizeof(Node) + bytes);
                *_open = new Node { Source = source, Bytes = bytes };
                _arriving.Receive(0, &_open->Header, bytes, source, tag);
            }

            if (!_arriving.Test(0))
                return;
            Node* node = _open;
            _open = null;
            if (node->Bytes < MpiMessageHeader.Bytes || node->Header.Generation != generation)
            {
                NativeMemory.Free(node);
                continue;
            }

            if (_last is null)
                _first = node;
            else
                _last->Next = node;
            _last = node;
            counted(node->Source);
        }
    }

    /// <summary>The first one that fits, taken out; <see cref="HostMessage.Any"/> fits all. Null: none has come.</summary>
    internal Node* Take(int source, int tag)
    {
        Node* before = null;
        for (Node* node = _first; node is not null; before = node, node = node->Next)
        {
            if ((source != HostMessage.Any && node->Source != source) || (tag != HostMessage.Any && node->Header.Tag != tag))
                continue;
            if (before is null)
                _first = node->Next;
            else
                before->Next = node->Next;
            if (_last == node)
                _last = before;
            return node;
        }

        return null;
    }

    internal static void Free(Node* node) => NativeMemory.Free(node);

    internal bool TryCancel() => _arriving.TryCancelReceives(1);

    public void Dispose()
    {
        for (Node* node = _first; node is not null;)
        {
            Node* next = node->Next;
            NativeMemory.Free(node);
            node = next;
        }

        NativeMemory.Free(_open);
        _arriving.Dispose();
    }
}
