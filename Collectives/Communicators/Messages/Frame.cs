using System.Runtime.InteropServices;

namespace CollectivesSharp;

/// <summary>
/// What stands in front of everything that travels between two ranks outside of the collectives' own shared memory. Checked on arrival: a peer that has lost its
/// place in the stream is found out at once and not believed.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Frame
{
    internal const int Bytes = 32;
    private const uint Mark = 0x46525343; // "CSRF"

    private uint _mark;
    internal FrameKind Kind;
    internal byte Type;
    private ushort _reserved;

    /// <summary>A message's tag; a part's number within a collective; the rank that an <see cref="FrameKind.Alive"/> one waits for.</summary>
    internal int Number;
    private uint _check;

    /// <summary>The collective's sequence number; a long message's id; an <see cref="FrameKind.Abort"/>'s word.</summary>
    internal long Sequence;

    /// <summary>Of the payload, in bytes; of the message announced by a <see cref="FrameKind.Request"/>.</summary>
    internal long Length;

    internal readonly bool HasPayload => Kind is FrameKind.Part or FrameKind.Message or FrameKind.Data or FrameKind.Abort;

    internal readonly bool IsValid => _mark == Mark && _check == Digest() && Length >= 0 && Kind is >= FrameKind.Part and <= FrameKind.Left;

    internal static Frame Of(FrameKind kind, long sequence, int number = 0, long length = 0, byte type = 0)
    {
        Frame frame = new() { _mark = Mark, Kind = kind, Type = type, Number = number, Sequence = sequence, Length = length };
        frame._check = frame.Digest();
        return frame;
    }

    private readonly uint Digest()
    {
        ulong mixed = unchecked(((ulong)Sequence * 0x9E3779B97F4A7C15) ^ ((ulong)Length * 0xC2B2AE3D27D4EB4F) ^ (((ulong)(uint)Number << 16) | ((ulong)Kind << 8) | Type));
        return (uint)(mixed ^ (mixed >> 32));
    }
}

internal enum FrameKind : byte
{
    None,

    /// <summary>A part of a collective.</summary>
    Part,

    /// <summary>A short message, at once.</summary>
    Message,

    /// <summary>Announces a long message, which travels when the receiver has asked for it.</summary>
    Request,
    Grant,
    Data,

    /// <summary>"I am in call n and wait for rank m": sent by ranks that wait for long, so that the one to blame can be told at the deadline.</summary>
    Alive,
    Abort,

    /// <summary>The sender disposes its end; nothing comes after it.</summary>
    Left,
}
