using System.Diagnostics;

namespace CollectivesSharp.KernelEmulator;

/// <summary>Builds the C++ programs and runs them, as many at once as there are cores.</summary>
internal static class Emulator
{
    /// <summary>The seed of the first case; the others follow it.</summary>
    internal static ulong Seed { get; } = ulong.Parse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_EMULATOR_SEED") ?? "1");

    /// <summary>How long the kernels run in all, beside compiling them and beside the mutations.</summary>
    internal static double Seconds { get; } = double.Parse(Environment.GetEnvironmentVariable("COLLECTIVES_TEST_EMULATOR_SECONDS") ?? "20");

    internal static string Folder { get; } = Path.Combine(Root(), "tests", "KernelEmulator");

    internal static string KernelSources { get; } = Path.Combine(Root(), "Cuda", "Kernels", "Source");

    private static readonly SemaphoreSlim s_cores = new(Environment.ProcessorCount);

    /// <summary>The path of the binary.</summary>
    /// <param name="kernels">A folder of kernel sources in place of the shipped ones.</param>
    internal static async Task<string> BuildAsync(string program, string[] defines, string? kernels = null)
    {
        ProcessStartInfo start = new(Path.Combine(Folder, "build.sh"), [program, .. defines]);
        start.Environment["KERNELS"] = kernels ?? KernelSources;
        (int exitCode, string output, string errors) = await RunAsync(start, TimeSpan.FromMinutes(5));
        if (exitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', defines)} does not compile:\n{errors}");
        return output.Trim();
    }

    /// <summary>Runs cases from <see cref="Seed"/> on. A program that does not end by itself is killed, which is a crash.</summary>
    internal static async Task<Outcome> RunAsync(string binary, string model, params string[] arguments)
    {
        ProcessStartInfo start = new(binary, ["--model", model, "--seed", Seed.ToString(), .. arguments]);
        (int exitCode, string output, string errors) = await RunAsync(start, TimeSpan.FromSeconds(120 + Seconds));
        return new Outcome(Enum.IsDefined((Verdict)exitCode) ? (Verdict)exitCode : Verdict.Crash, output, errors);
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(ProcessStartInfo start, TimeSpan limit)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        await s_cores.WaitAsync();
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            using CancellationTokenSource deadline = new(limit);
            try
            {
                await process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return (-1, await output, await errors + $"\n{start.FileName} {string.Join(' ', start.ArgumentList)} was killed: it had not ended after {limit.TotalSeconds:F0} s");
            }
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            s_cores.Release();
        }
    }

    private static string Root()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "CollectivesSharp.sln")))
            root = root.Parent;
        return root?.FullName ?? throw new DirectoryNotFoundException($"{AppContext.BaseDirectory} lies in no checkout of CollectivesSharp; the emulator needs its sources");
    }
}
