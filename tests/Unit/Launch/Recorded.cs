namespace CollectivesSharp.Unit.Launch;

/// <summary>
/// The files under environments/: real for Open MPI and MPICH (mpirun or mpiexec -n 2; two hosts by -launcher fork), host names
/// and addresses replaced; written after the launchers' documentation for torchrun, SLURM and PALS.
/// </summary>
internal static class Recorded
{
    /// <summary>The later files' variables replace those of the earlier ones, as an inner launcher's do an outer one's.</summary>
    public static Dictionary<string, string> Environment(params string[] names)
    {
        var variables = new Dictionary<string, string>();
        foreach (string name in names)
        {
            string path = Path.Combine(AppContext.BaseDirectory, "Launch", "environments", name + ".env");
            foreach (string line in File.ReadLines(path))
            {
                int equals = line.IndexOf('=', StringComparison.Ordinal);
                variables[line[..equals]] = line[(equals + 1)..];
            }
        }

        return variables;
    }

    /// <summary>"RANK=3 WORLD_SIZE=4".</summary>
    public static Dictionary<string, string> Parse(string variables) => new Dictionary<string, string>().With(variables);

    /// <summary>Sets "NAME=value" and removes "NAME".</summary>
    public static Dictionary<string, string> With(this Dictionary<string, string> variables, string changes)
    {
        foreach (string change in changes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = change.Split('=', 2);
            if (parts.Length == 1)
                variables.Remove(parts[0]);
            else
                variables[parts[0]] = parts[1];
        }

        return variables;
    }
}
