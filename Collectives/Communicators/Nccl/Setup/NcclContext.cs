using CollectivesSharp.Cuda;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>The group to be, for its device side.</summary>
internal sealed record NcclContext
{
    internal required GroupOptions Options { get; init; }

    /// <summary>In the order of the group.</summary>
    internal required GroupMember[] Members { get; init; }

    internal required int RankInGroup { get; init; }

    internal required IStore Store { get; init; }

    internal required string KeyPrefix { get; init; }

    /// <summary>This rank's; null if it has none.</summary>
    internal required CudaDevice? Device { get; init; }

    /// <summary>Of the same group: its faults end the device's work, and the other way round. Null in a group of one.</summary>
    internal required IHostCommunicator? Host { get; init; }

    internal required ILogger Logger { get; init; }
}
