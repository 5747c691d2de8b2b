using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace CollectivesSharp;

/// <summary>
/// The first exchange on a connection: fixed sizes, so that nothing unauthenticated is ever given a length to choose. Both sides prove that they
/// know the secret by an HMAC-SHA256 over both nonces; the secret never travels. The instance tells jobs apart that reuse a port.
/// </summary>
internal static class StoreHandshake
{
    private const int NonceBytes = 32;
    private const int MacBytes = 32;
    private static readonly byte[] s_magic = "CSSTORE\u0001"u8.ToArray();

    internal enum Verdict : byte
    {
        Accepted,
        WrongSecret,
        OtherInstance,
        Full,
    }

    private static byte[] Key(string? secret) =>
        SHA256.HashData(Encoding.UTF8.GetBytes($"{secret?.Length ?? -1}:{secret}"));

    private static byte[] Tag(string instance) => SHA256.HashData(Encoding.UTF8.GetBytes(instance));

    /// <summary>Server side. Throws <see cref="FormatException"/> if the other end does not speak this protocol.</summary>
    internal static async Task<Verdict> AcceptAsync(Stream stream, string? secret, string instance, bool full, CancellationToken cancellationToken)
    {
        byte[] serverNonce = RandomNumberGenerator.GetBytes(NonceBytes);
        byte[] hello = [.. s_magic, .. serverNonce];
        await stream.WriteAsync(hello, cancellationToken).ConfigureAwait(false);

        byte[] answer = new byte[s_magic.Length + NonceBytes + MacBytes + SHA256.HashSizeInBytes];
        await stream.ReadExactlyAsync(answer, cancellationToken).ConfigureAwait(false);
        if (!answer.AsSpan(0, s_magic.Length).SequenceEqual(s_magic))
            throw new FormatException("its first bytes are no store client's");
        byte[] clientNonce = answer[s_magic.Length..][..NonceBytes];
        byte[] mac = answer[(s_magic.Length + NonceBytes)..][..MacBytes];
        byte[] tag = answer[^SHA256.HashSizeInBytes..];

        byte[] key = Key(secret);
        Verdict verdict = !CryptographicOperations.FixedTimeEquals(mac, Mac(key, "client"u8, serverNonce, clientNonce)) ? Verdict.WrongSecret
            : !CryptographicOperations.FixedTimeEquals(tag, Tag(instance)) ? Verdict.OtherInstance
            : full ? Verdict.Full
            : Verdict.Accepted;
        byte[] reply = [(byte)verdict, .. Mac(key, "server"u8, clientNonce, serverNonce)];
        await stream.WriteAsync(reply, cancellationToken).ConfigureAwait(false);
        return verdict;
    }

    /// <summary>Client side. Throws <see cref="FormatException"/> if the other end is no store.</summary>
    internal static async Task<Verdict> ConnectAsync(Stream stream, string? secret, string instance, CancellationToken cancellationToken)
    {
        byte[] hello = new byte[s_magic.Length + NonceBytes];
        await stream.ReadExactlyAsync(hello, cancellationToken).ConfigureAwait(false);
        if (!hello.AsSpan(0, s_magic.Length).SequenceEqual(s_magic))
            throw new FormatException("what listens there is no store of this SDK");
        byte[] serverNonce = hello[s_magic.Length..];

        byte[] clientNonce = RandomNumberGenerator.GetBytes(NonceBytes);
        byte[] key = Key(secret);
        byte[] answer = [.. s_magic, .. clientNonce, .. Mac(key, "client"u8, serverNonce, clientNonce), .. Tag(instance)];
        await stream.WriteAsync(answer, cancellationToken).ConfigureAwait(false);

        byte[] reply = new byte[1 + MacBytes];
        await stream.ReadExactlyAsync(reply, cancellationToken).ConfigureAwait(false);
        var verdict = (Verdict)reply[0];
        return verdict == Verdict.Accepted && !CryptographicOperations.FixedTimeEquals(reply.AsSpan(1), Mac(key, "server"u8, clientNonce, serverNonce))
            ? Verdict.WrongSecret
            : verdict;
    }

    private static byte[] Mac(byte[] key, ReadOnlySpan<byte> role, byte[] first, byte[] second) =>
        HMACSHA256.HashData(key, (byte[])[.. role, .. first, .. second]);
}
