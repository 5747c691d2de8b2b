namespace CollectivesSharp.Interop;

/// <summary>Where a search looks: the machine's folders and variables, or a test's.</summary>
/// <param name="Root">Stands before every absolute folder of the system; "" for the machine itself.</param>
/// <param name="Variable">Reads an environment variable.</param>
/// <param name="HasLoader">Whether a bare name can be found: in the process or by the loader's own search.</param>
internal sealed record SearchSpace(string Root, Func<string, string?> Variable, bool HasLoader = true)
{
    private static readonly string[] s_systemFolders =
    [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
        "/usr/lib/x86_64-linux-gnu/nvidia/current", "/usr/lib/aarch64-linux-gnu/nvidia/current", "/usr/lib/wsl/lib",
    ];

    public static SearchSpace Machine { get; } = new("", Environment.GetEnvironmentVariable);

    /// <summary>The toolkit that CUDA_HOME or CUDA_PATH names, /usr/local's (newest version first), then the system's folders.</summary>
    public IEnumerable<string> ToolkitFolders()
    {
        foreach (string variable in (string[])["CUDA_HOME", "CUDA_PATH"])
        {
            if (Variable(variable) is { Length: > 0 } home)
                yield return Path.Combine(home, "lib64");
        }

        yield return Root + "/usr/local/cuda/lib64";
        foreach (string toolkit in FileNames.NewestFirst(FileNames.Directories(Root + "/usr/local", "cuda-*")))
            yield return Path.Combine(toolkit, "lib64");
        foreach (string folder in s_systemFolders)
            yield return Root + folder;
    }

    /// <summary>
    /// Each site-packages/nvidia there is: of VIRTUAL_ENV, CONDA_PREFIX, the python3 on PATH, the user. Python itself is not started:
    /// that costs tens of milliseconds and may run anybody's start-up code.
    /// </summary>
    public IEnumerable<string> PipFolders()
    {
        var prefixes = new List<string>();
        foreach (string variable in (string[])["VIRTUAL_ENV", "CONDA_PREFIX"])
        {
            if (Variable(variable) is { Length: > 0 } prefix)
                prefixes.Add(prefix);
        }

        prefixes.AddRange(PythonPrefixes());
        prefixes.Add(Root + "/usr/local");
        if (Variable("HOME") is { Length: > 0 } home)
            prefixes.Add(Path.Combine(home, ".local"));
        return prefixes.Distinct().SelectMany(SitePackages).Select(site => Path.Combine(site, "nvidia")).Distinct().Where(Directory.Exists);
    }

    private IEnumerable<string> PythonPrefixes()
    {
        string? python = (Variable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, "python3")).FirstOrDefault(File.Exists);
        if (python is null)
            yield break;

        // Of a virtual environment the link itself tells, of a distribution's alternatives its target does.
        yield return Prefix(python);
        string? target = null;
        try
        {
            target = File.ResolveLinkTarget(python, returnFinalTarget: true)?.FullName;
        }
        catch (IOException)
        {
            // A loop of links: there is no target to learn from.
        }

        if (target is not null)
            yield return Prefix(target);

        static string Prefix(string executable) => Path.GetDirectoryName(Path.GetDirectoryName(executable)) ?? "/";
    }

    private static IEnumerable<string> SitePackages(string prefix)
    {
        foreach (string library in (string[])["lib", "lib64"])
        {
            foreach (string python in FileNames.NewestFirst(FileNames.Directories(Path.Combine(prefix, library), "python3*")))
            {
                yield return Path.Combine(python, "site-packages");
                yield return Path.Combine(python, "dist-packages");
            }
        }
    }
}
