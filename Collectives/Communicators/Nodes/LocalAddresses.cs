using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace CollectivesSharp;

/// <summary>The addresses under which other machines may reach this one.</summary>
internal static class LocalAddresses
{
    /// <summary>Names of interfaces, separated by commas; a leading ^ excludes them instead. A name stands for all that begin with it, as in NCCL_SOCKET_IFNAME.</summary>
    private const string Variable = "COLLECTIVES_SOCKET_IFNAME";

    /// <summary>Interfaces with a gateway first: they are the likely way to other machines; bridges of containers are not.</summary>
    internal static string[] Find(bool loopbackOnly)
    {
        if (loopbackOnly)
            return [IPAddress.Loopback.ToString()];
        string? filter = Environment.GetEnvironmentVariable(Variable);
        string[] addresses = [.. NetworkInterface.GetAllNetworkInterfaces()
            .Where(item => item.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown && item.NetworkInterfaceType != NetworkInterfaceType.Loopback && IsWanted(item.Name, filter))
            .OrderByDescending(item => item.GetIPProperties().GatewayAddresses.Count > 0)
            .SelectMany(item => item.GetIPProperties().UnicastAddresses)
            .Select(item => item.Address)
            .Where(address => !address.IsIPv6LinkLocal)
            .OrderBy(address => address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
            .Select(address => address.ToString())];
        return addresses.Length > 0 ? addresses : throw new IOException($"this rank has no network address to offer to ranks on other machines{(string.IsNullOrEmpty(filter) ? "" : $" ({Variable}={filter})")}");
    }

    internal static bool IsWanted(string name, string? filter)
    {
        if (string.IsNullOrEmpty(filter))
            return true;
        bool excludes = filter[0] == '^';
        bool named = filter.TrimStart('^').Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
        return named != excludes;
    }
}
