using System.Buffers.Binary;
using System.Security.Cryptography;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>
/// Proves that each rank's stores reach each other rank's slice, and that one. Behind the control page and at the end of every slice each rank has a place; the writers fill them, everybody looks at its own slice.
/// </summary>
internal sealed class PeerCopyTest(PeerSlice slice)
{
    private const int PlaceBytes = 512;
    private const int NonceBytes = 16;

    /// <summary>How large a slice has to be.</summary>
    internal static int BytesFor(int ranks) => PeerArena.ControlBytes + (2 * ranks * PlaceBytes);

    internal static byte[] NewNonce() => RandomNumberGenerator.GetBytes(NonceBytes);

    /// <summary>Enqueues this rank's patterns. They go from its own memory, at the place that no peer writes: from the host a copy would go straight to the peer's device.</summary>
    internal void Write(ReadOnlySpan<byte> nonce)
    {
        for (int target = 0; target < slice.Count; target++)
        {
            if (target == slice.Rank)
                continue;
            for (int side = 0; side < 2; side++)
            {
                nint offset = Place(slice.Rank, side);
                DeviceCopies.FromHost(slice.Device, slice.Own + offset, Pattern(nonce, slice.Rank, target, side));
                DeviceCopies.OnDevice(slice.Device, slice.Address(target) + offset, slice.Own + offset, PlaceBytes);
            }
        }
    }

    /// <summary>Null, or the first rank whose pattern is not there. The writers have drained their streams.</summary>
    internal string? Verify(byte[][] nonces, Func<int, string> describe)
    {
        byte[] found = new byte[PlaceBytes];
        for (int writer = 0; writer < slice.Count; writer++)
        {
            for (int side = 0; side < 2 && writer != slice.Rank; side++)
            {
                byte[] expected = Pattern(nonces[writer], writer, slice.Rank, side);
                DeviceCopies.ToHost(slice.Device, found, slice.Own + Place(writer, side));
                int different = expected.AsSpan().CommonPrefixLength(found);
                if (different == PlaceBytes)
                    continue;
                string what = found.AsSpan().ContainsAnyExcept((byte)0xFF) ? $"byte {different} of {PlaceBytes} is wrong" : "nothing has arrived";
                return $"the copy test failed from {describe(writer)} to {describe(slice.Rank)}, though peer access is reported ({what}): IOMMU or ACS? A virtual machine that passes GPUs through needs ACS off between them, bare metal the IOMMU off or passing through";
            }
        }

        return null;
    }

    /// <summary>Enqueues what a slice begins with, all of it or what the test has written.</summary>
    internal void Poison(bool all)
    {
        nint first = Place(0, 0);
        if (all)
        {
            DeviceCopies.Fill(slice.Device, slice.Own, 0, PeerArena.ControlBytes);
            DeviceCopies.Fill(slice.Device, slice.Own + first, 0xFF, slice.Bytes - (nuint)first);
            return;
        }

        for (int side = 0; side < 2; side++)
            DeviceCopies.Fill(slice.Device, slice.Own + Place(0, side), 0xFF, (nuint)(slice.Count * PlaceBytes));
    }

    private nint Place(int writer, int side) => side == 0
        ? PeerArena.ControlBytes + (writer * PlaceBytes)
        : (nint)slice.Bytes - ((slice.Count - writer) * PlaceBytes);

    /// <summary>SplitMix64 from the nonce and who writes where, so that what went to a wrong rank is wrong there.</summary>
    private static byte[] Pattern(ReadOnlySpan<byte> nonce, int writer, int target, int side)
    {
        byte[] pattern = new byte[PlaceBytes];
        ulong state = BinaryPrimitives.ReadUInt64LittleEndian(nonce) ^ (BinaryPrimitives.ReadUInt64LittleEndian(nonce[8..]) + (((ulong)writer << 32) | ((ulong)target << 1) | (uint)side));
        for (int i = 0; i < PlaceBytes; i += sizeof(ulong))
        {
            ulong z = state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            BinaryPrimitives.WriteUInt64LittleEndian(pattern.AsSpan(i), z ^ (z >> 31));
        }

        return pattern;
    }
}
