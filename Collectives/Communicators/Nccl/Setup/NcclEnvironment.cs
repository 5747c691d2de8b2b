using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>What NCCL reads from the environment and a group knows better than its guesses. Set once a process, before the first communicator, and never over what the user has set.</summary>
internal static class NcclEnvironment
{
    private const string HostId = "NCCL_HOSTID";
    private const string Interfaces = "NCCL_SOCKET_IFNAME";
    private const string OwnInterfaces = "COLLECTIVES_SOCKET_IFNAME";

    private static readonly Lock s_lock = new();

    /// <summary><paramref name="hostId"/>: an override of the node's identity, so that NCCL draws the same borders between nodes as the group.</summary>
    internal static void Prepare(GroupMember[] members, string? hostId, ILogger logger)
    {
        lock (s_lock)
        {
            if (!string.IsNullOrEmpty(hostId) && PosixNative.GetEnvironment(HostId) is null)
                Set(HostId, hostId, logger);
            if (members.All(member => member.NetworkId == members[0].NetworkId) || PosixNative.GetEnvironment(Interfaces) is not null)
                return;
            string? wanted = Environment.GetEnvironmentVariable(OwnInterfaces) is { Length: > 0 } named ? named : RouteToMaster();
            if (wanted is not null)
                Set(Interfaces, wanted, logger);
        }
    }

    /// <summary>"=eth0": the interface by which this machine reaches the master; null if there is none to reach, or the way is the loopback.</summary>
    private static string? RouteToMaster()
    {
        try
        {
            if (LaunchEnvironment.Detect().MasterAddress is not { } master)
                return null;
            IPAddress address = Dns.GetHostAddresses(master)[0];

            // Connecting a datagram socket sends nothing: it asks for the route.
            using Socket probe = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            probe.Connect(address, 9);
            IPAddress own = ((IPEndPoint)probe.LocalEndPoint!).Address;
            NetworkInterface? way = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(item => item.GetIPProperties().UnicastAddresses.Any(item => item.Address.Equals(own)));

            // The master's own address routes over the loopback on the master itself: its interface is the one that bears the address.
            return way is null || way.NetworkInterfaceType == NetworkInterfaceType.Loopback ? null : $"={way.Name}";
        }
        catch (Exception e) when (e is SocketException or NetworkInformationException or LaunchException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static void Set(string name, string value, ILogger logger)
    {
        PosixNative.SetEnvironment(name, value);
        logger.LogDebug("{Name}={Value} for NCCL", name, value);
    }
}
