using System.Runtime.InteropServices;
using System.Text;

namespace CollectivesSharp;

/// <summary>An abort, or the farewell of a rank that disposes the group; on the wire as it lies here. Ranks are ranks in the group.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MpiControl
{
    private const int MaxTextBytes = 464;

    internal long Generation;
    internal int Kind;
    internal int Subject;
    internal int By;
    internal int TextBytes;

    /// <summary>Of a farewell: how many collectives the sender has begun; it takes part in none after.</summary>
    internal long Sequence;

    /// <summary>Of a farewell: how many messages it has sent to this receiver.</summary>
    internal long Messages;

    private fixed byte _text[MaxTextBytes];

    internal string Text
    {
        get
        {
            fixed (byte* text = _text)
                return Encoding.UTF8.GetString(text, Math.Clamp(TextBytes, 0, MaxTextBytes));
        }

        set
        {
            fixed (byte* text = _text)
            {
                Encoding.UTF8.GetEncoder().Convert(value, new Span<byte>(text, MaxTextBytes), flush: true, out _, out int bytes, out _);
                TextBytes = bytes;
            }
        }
    }
}
