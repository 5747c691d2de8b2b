using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace CollectivesSharp;

/// <summary>
/// The frames between <see cref="SocketStore"/> and <see cref="StoreServer"/>, little-endian. Request: u32 length of what follows, u32 id, u8
/// operation, fields. Reply: u32 length, u32 id, u8 status, payload. Replies come in any order; the id pairs them.
/// </summary>
internal static class StoreWire
{
    internal const int HeaderBytes = 4;

    internal enum Operation : byte
    {
        Set = 1,
        Get,
        TryGet,
        Wait,
        Add,
        CompareSet,
        Delete,
    }

    internal enum Status : byte
    {
        Ok,
        Absent,
        TimedOut,
        Refused,
    }

    /// <summary>Builds one frame; the length is filled in at the end.</summary>
    internal sealed class Writer
    {
        private readonly ArrayBufferWriter<byte> _buffer = new(256);

        internal Writer(uint id, byte kind)
        {
            UInt32(0);
            UInt32(id);
            Byte(kind);
        }

        internal Writer Byte(byte value)
        {
            _buffer.GetSpan(1)[0] = value;
            _buffer.Advance(1);
            return this;
        }

        internal Writer UInt32(uint value)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_buffer.GetSpan(4), value);
            _buffer.Advance(4);
            return this;
        }

        internal Writer Int64(long value)
        {
            BinaryPrimitives.WriteInt64LittleEndian(_buffer.GetSpan(8), value);
            _buffer.Advance(8);
            return this;
        }

        internal Writer Bytes(ReadOnlySpan<byte> value)
        {
            UInt32((uint)value.Length);
            _buffer.Write(value);
            return this;
        }

        internal Writer Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

        internal byte[] Finish()
        {
            byte[] frame = _buffer.WrittenSpan.ToArray();
            BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)(frame.Length - HeaderBytes));
            return frame;
        }
    }

    /// <summary>Reads one frame's content; anything that does not fit is a <see cref="FormatException"/>.</summary>
    internal ref struct Reader(ReadOnlySpan<byte> frame)
    {
        private ReadOnlySpan<byte> _rest = frame;

        internal byte Byte() => Take(1)[0];

        internal uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

        internal long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

        internal ReadOnlySpan<byte> Bytes()
        {
            uint length = UInt32();
            return length <= (uint)_rest.Length
                ? Take((int)length)
                : throw new FormatException($"a field of {length} bytes in a frame with {_rest.Length} left");
        }

        internal string Text() => Encoding.UTF8.GetString(Bytes());

        internal readonly void End()
        {
            if (!_rest.IsEmpty)
                throw new FormatException($"{_rest.Length} bytes behind the last field");
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            if (_rest.Length < count)
                throw new FormatException($"{_rest.Length} bytes where {count} were expected");
            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }
    }
}
