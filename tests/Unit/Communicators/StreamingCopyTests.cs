using Xunit;

namespace CollectivesSharp.Unit.Communicators;

public sealed class StreamingCopyTests
{
    [Fact]
    public void Copies_what_it_shall_and_nothing_beside_it_at_every_alignment()
    {
        byte[] source = new byte[1024], target = new byte[1024];
        new Random(7).NextBytes(source);
        foreach (int length in (int[])[0, 1, 63, 64, 127, 128, 129, 255, 256, 511, 700])
        {
            for (int shift = 0; shift < 130; shift++)
            {
                Array.Fill(target, (byte)0xEE);
                Copy(source.AsSpan(shift / 3, length), target.AsSpan(64 + shift));
                Assert.Equal(source.AsSpan(shift / 3, length), target.AsSpan(64 + shift, length));
                Assert.Equal(-1, target.AsSpan(0, 64 + shift).IndexOfAnyExcept((byte)0xEE));
                Assert.Equal(-1, target.AsSpan(64 + shift + length).IndexOfAnyExcept((byte)0xEE));
            }
        }
    }

    private static unsafe void Copy(ReadOnlySpan<byte> from, Span<byte> to)
    {
        fixed (byte* source = from, target = to)
            StreamingCopy.Copy(source, target, (nuint)from.Length);
    }
}
