namespace CollectivesSharp;

/// <summary>What the members of a group have agreed on, as far as routes depend on it: the same on every rank.</summary>
/// <param name="WorldSize">How many ranks.</param>
/// <param name="NcclObjection">Why there is no NCCL; null if there is.</param>
/// <param name="PeerObjection">Why there is no peer memory; null if there is.</param>
/// <param name="HalfBytes">Of peer memory, for one call: every rank's input has to fit in.</param>
/// <param name="Forced">Taken wherever it can be; null: what is fastest.</param>
internal sealed record AllReduceFacts(int WorldSize, string? NcclObjection, string? PeerObjection, nuint HalfBytes, AllReduceRoute? Forced)
{
    internal AllReducePolicy Policy { get; init; }

    /// <summary>Why no call goes by copy engines; null: those whose output is registered may.</summary>
    internal string? CopyEngineObjection { get; init; }

    /// <summary>Which built-in tables hold for the GPUs and what joins them.</summary>
    internal PeerHardware Hardware { get; init; } = PeerHardware.Measured;

    /// <summary>What was measured here; null: nothing was.</summary>
    internal AllReduceTuning? Tuning { get; init; }
}
