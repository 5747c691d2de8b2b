namespace CollectivesSharp;

/// <summary>Where rank 0 is to listen, or where the launcher's store listens already.</summary>
internal readonly record struct MasterEndpoint(string Address, int Port, bool IsTaken = false, bool IsOwn = false)
{
    private const string AddressName = "MASTER_ADDR";
    private const string PortName = "MASTER_PORT";

    public static MasterEndpoint? Find(EnvironmentVariables variables, LaunchEnvironment environment)
    {
        if (FindPair(variables, "COLLECTIVES_MASTER_ADDR", "COLLECTIVES_MASTER_PORT") is { } own)
            return own with { IsOwn = true };
        return environment.Launcher switch
        {
            LauncherKind.Torchrun => OfTorchrun(variables),
            LauncherKind.OpenMpi or LauncherKind.Mpich => OfMpi(variables),
            LauncherKind.Slurm => OfSlurm(variables, environment),
            _ => null,
        };
    }

    private static MasterEndpoint? FindPair(EnvironmentVariables variables, string addressName, string portName)
    {
        EnvironmentVariable? address = variables.Find(addressName);
        EnvironmentVariable? port = variables.Find(portName);
        return (address, port) switch
        {
            ({ } a, { } p) => new(a.Value, p.Port()),
            (null, null) => null,
            ({ } a, null) => throw new LaunchException($"{a} is set, {portName} is not set. Set both or neither."),
            (null, { } p) => throw new LaunchException($"{p} is set, {addressName} is not set. Set both or neither."),
        };
    }

    private static MasterEndpoint? OfTorchrun(EnvironmentVariables variables)
    {
        bool agentListens = string.Equals(
            variables.Value("TORCHELASTIC_USE_AGENT_STORE"), bool.TrueString, StringComparison.OrdinalIgnoreCase);
        return FindPair(variables, AddressName, PortName) is { } pair ? pair with { IsTaken = agentListens } : null;
    }

    /// <summary>A lone MASTER_PORT, left over from another launcher, says nothing without the host.</summary>
    private static MasterEndpoint? OfMpi(EnvironmentVariables variables) =>
        variables.Value(AddressName) is { } address
            ? new(address, variables.Find(PortName)?.Port() ?? LaunchEnvironment.DefaultMasterPort)
            : null;

    private static MasterEndpoint? OfSlurm(EnvironmentVariables variables, LaunchEnvironment environment)
    {
        string? address = variables.Value(AddressName) ?? (environment.IsSingleNode ? null : SlurmStep.FirstHost(variables));
        return address is null ? null : new(address, variables.Find(PortName)?.Port() ?? SlurmStep.Find(variables)!.Value.MasterPort);
    }
}
