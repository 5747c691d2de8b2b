using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>The group of a peer communicator, and what its members have agreed on.</summary>
internal sealed record PeerSetup
{
    internal required string Group { get; init; }

    /// <summary>In the order of the group.</summary>
    internal required GroupMember[] Members { get; init; }

    internal required int Rank { get; init; }

    internal required CudaDevice Device { get; init; }

    internal required IHostCommunicator Host { get; init; }

    /// <summary>Of a kernel's wait.</summary>
    internal required TimeSpan Patience { get; init; }

    /// <summary>The most that any rank may launch: a block for each multiprocessor, divided by the ranks that share the device, so that all of them run at once.</summary>
    internal required int MostBlocks { get; init; }

    /// <summary>What the router's tables depend on.</summary>
    internal required PeerHardware Hardware { get; init; }

    /// <summary>Kernels may start while the one before on the stream ends: they wait by themselves.</summary>
    internal required bool Dependent { get; init; }

    internal required ILogger Logger { get; init; }
}
