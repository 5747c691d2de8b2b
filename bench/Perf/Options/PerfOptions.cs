using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf;

/// <summary>What one run measures; sizes in bytes.</summary>
internal sealed record PerfOptions
{
    public required CollectiveKind Collective { get; init; }

    public required long MinBytes { get; init; }

    public required long MaxBytes { get; init; }

    public required long StepBytes { get; init; }

    /// <summary>Wins over <see cref="StepBytes"/> if above 1.</summary>
    public required int StepFactor { get; init; }

    public required int Iterations { get; init; }

    public required int WarmupIterations { get; init; }

    /// <summary>Each call's input is written just before it, and the call timed by itself; else calls go back to back over inputs that nobody writes.</summary>
    public bool Fresh { get; init; }

    /// <summary>Checked repetitions a row; 0: no check.</summary>
    public required int Checks { get; init; }

    public required IReadOnlyList<DataType> Types { get; init; }

    public required IReadOnlyList<Operation> Operations { get; init; }

    /// <summary>-1: all.</summary>
    public required int Root { get; init; }

    /// <summary>Null: not asked for.</summary>
    public int? Ranks { get; init; }

    public required Backend Backend { get; init; }

    /// <summary>Null: the group's choice.</summary>
    public AllReduceRoute? Route { get; init; }

    public required LaunchMode Launch { get; init; }

    /// <summary>How often the graph of a row's timed calls is replayed; 0: no graph.</summary>
    public required int Replays { get; init; }

    /// <summary>Null: the buffers are not registered.</summary>
    public RegistrationKind? Registration { get; init; }

    /// <summary>Host memory is of the group (<see cref="GroupCoordinator.AllocateHost"/>).</summary>
    public bool GroupMemory { get; init; }

    public FileInfo? Json { get; init; }

    public FileInfo? Csv { get; init; }

    /// <summary>Null: the table of a collective.</summary>
    public Routes.RouteOptions? Routes { get; init; }

    public IEnumerable<long> Sizes()
    {
        for (long size = MinBytes; size <= MaxBytes; size = StepFactor > 1 ? Math.Max(size, 1) * StepFactor : size + StepBytes)
            yield return size;
    }
}
