using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>Finds where the ranks of a launched job meet, and goes there: rank 0 serves, the others connect; or all of them use a folder.</summary>
internal static class MeetingPoint
{
    private static int s_created;

    internal static async Task<StoreLease> OpenAsync(LaunchEnvironment environment, GroupOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        // Creation is collective, so all ranks count alike; a client that comes early meets the previous group's server and tries again.
        int creation = Interlocked.Increment(ref s_created);
        if (JobFolder.ParseRoot(Environment.GetEnvironmentVariable(JobFolder.Variable)) is { } root)
            return new StoreLease(await JobFolder.OpenAsync(JobFolder.PathOf(root, environment, creation), environment, cancellationToken).ConfigureAwait(false), null, owned: true, options.Timeout);
        EndPoint endPoint = Find(environment);
        string instance = $"{environment.JobId}#{creation}";
        string? secret = options.Secret ?? Environment.GetEnvironmentVariable("COLLECTIVES_SECRET");
        if (environment.Rank != 0)
            return new StoreLease(await SocketStore.ConnectAsync(endPoint, secret, instance, options.Timeout, limits: null, cancellationToken).ConfigureAwait(false), null, owned: true, options.Timeout);

        EndPoint bind = await BindAddressAsync(endPoint, cancellationToken).ConfigureAwait(false);
        if (bind is IPEndPoint { Address: { } address } && !IPAddress.IsLoopback(address) && string.IsNullOrEmpty(secret))
            logger.LogWarning("The store listens on {EndPoint} without a secret: everybody who reaches the port can join or disturb the job. Set COLLECTIVES_SECRET on all ranks.", bind);
        StoreServer server = StoreServer.Start(bind, new InProcessStore(), secret, instance, logger);
        return new StoreLease(server.Store, server, owned: true, options.Timeout);
    }

    /// <summary>
    /// The address that was given for this SDK, or a local socket named after the job when all ranks share a machine (no port to choose, nobody else can
    /// reach it), or the launcher's address.
    /// </summary>
    internal static EndPoint Find(LaunchEnvironment environment)
    {
        bool own = environment.MasterIsOwn;
        if (environment.IsSingleNode && !own)
            return LocalSocket(environment.JobId ?? "");
        if (environment.MasterAddress is { } address && environment.MasterPort is { } port)
        {
            // torchrun's agent listens on its MASTER_PORT itself; the next one is agreed on by all ranks without asking.
            if (environment.MasterPortTaken && !own)
                port++;
            return IPAddress.TryParse(address, out IPAddress? literal) ? new IPEndPoint(literal, port) : new DnsEndPoint(address, port);
        }

        throw new LaunchException(
            $"{environment.Launcher} started rank {environment.Rank} of {environment.WorldSize} and does not say where the ranks of several nodes meet "
            + $"(local size {environment.LocalSize?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"}). "
            + "Set COLLECTIVES_MASTER_ADDR (the host of rank 0) and COLLECTIVES_MASTER_PORT (free there) on every rank; or COLLECTIVES_LOCAL_SIZE when all ranks share this machine.");
    }

    /// <summary>An abstract Unix socket: it has no file, and ends with the process that holds it.</summary>
    internal static UnixDomainSocketEndPoint LocalSocket(string job)
    {
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(job)))[..32];
        return new UnixDomainSocketEndPoint($"\0collectives-sharp/store/{PosixNative.geteuid()}/{digest}");
    }

    private static async Task<EndPoint> BindAddressAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        if (endPoint is UnixDomainSocketEndPoint)
            return endPoint;
        (IPAddress[] addresses, int port) = endPoint is DnsEndPoint name
            ? (await Dns.GetHostAddressesAsync(name.Host, cancellationToken).ConfigureAwait(false), name.Port)
            : ([((IPEndPoint)endPoint).Address], ((IPEndPoint)endPoint).Port);
        if (addresses.Length > 0 && addresses.All(IPAddress.IsLoopback))
            return new IPEndPoint(addresses.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0], port);
        return new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port);
    }
}
