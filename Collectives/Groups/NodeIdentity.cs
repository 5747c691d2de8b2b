using System.Security.Cryptography;
using System.Text;

namespace CollectivesSharp;

/// <summary>Who can share memory with whom.</summary>
public static class NodeIdentity
{
    /// <summary>
    /// COLLECTIVES_HOST_ID if set; else a digest of the boot, the namespaces that descriptors and process ids live in (network, pid), and the user. Equal
    /// names of two machines or containers don't make them one node.
    /// </summary>
    public static string Current { get; } = Find();

    /// <summary>COLLECTIVES_HOST_ID; null if it is not set.</summary>
    internal static string? Override => Environment.GetEnvironmentVariable("COLLECTIVES_HOST_ID") is { Length: > 0 } given ? given : null;

    /// <summary>A digest of the boot and the network namespace: whoever has the same one is reached by loopback.</summary>
    internal static string Network { get; } = Digest(Read("/proc/sys/kernel/random/boot_id"), Link("/proc/self/ns/net"));

    private static string Find()
    {
        return Override ?? Digest(Read("/proc/sys/kernel/random/boot_id"), Link("/proc/self/ns/net"), Link("/proc/self/ns/pid"), Environment.UserName);
    }

    private static string Digest(params ReadOnlySpan<string> parts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('|', parts))))[..16];

    /// <summary>A machine that hides the file is told apart by its name.</summary>
    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Environment.MachineName;
        }
    }

    private static string Link(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
