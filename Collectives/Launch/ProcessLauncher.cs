using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// Starts the ranks of a job as processes of this machine, with COLLECTIVES_* in their environment and this process's standard streams. If one fails, or this
/// process is told to stop (Ctrl-C, SIGTERM), all of them are ended: SIGTERM, then SIGKILL.
/// </summary>
public sealed class ProcessLauncher
{
    /// <summary>The launcher's process id, in its ranks' environment.</summary>
    private const string LauncherVariable = "COLLECTIVES_LAUNCHER_PID";
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    /// <summary>The program and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    public required int WorldSize { get; init; }

    /// <summary>Added to this process's environment; null takes a variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>The command that runs the program of this process again with <paramref name="arguments"/>.</summary>
    public static string[] SameProgram(IEnumerable<string> arguments)
    {
        string host = System.Environment.ProcessPath ?? throw new InvalidOperationException("The path of this process is not known.");
        bool isDotnet = Path.GetFileNameWithoutExtension(host) == "dotnet";
        return isDotnet ? [host, System.Environment.GetCommandLineArgs()[0], .. arguments] : [host, .. arguments];
    }

    /// <summary>
    /// Called by a program at its start: if a launcher started it, it ends when the launcher does, however that ended. Without this a killed launcher
    /// leaves its ranks running.
    /// </summary>
    public static void EndWithLauncher()
    {
        string? text = System.Environment.GetEnvironmentVariable(LauncherVariable);
        if (text?.Split(' ') is [var id, var start]
            && int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int processId)
            && long.TryParse(start, NumberStyles.None, CultureInfo.InvariantCulture, out long startTime))
        {
            ProcessWatch.Start(processId, startTime, () => PosixNative.kill(System.Environment.ProcessId, PosixNative.SIGKILL));
        }
    }

    /// <summary>Starts all ranks and waits for them. 0, or the exit code of the first rank that failed (128 + signal for a killed one).</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        string job = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        List<Process> ranks = [];
        int failed = 0;
        try
        {
            for (int rank = 0; rank < WorldSize; rank++)
                ranks.Add(Start(rank, job));
            await Task.WhenAll(ranks.Select(async process =>
            {
                await process.WaitForExitAsync(stop.Token).ConfigureAwait(false);
                if (process.ExitCode != 0 && Interlocked.CompareExchange(ref failed, process.ExitCode, 0) == 0)
                    await stop.CancelAsync().ConfigureAwait(false);
            })).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await EndAllAsync(ranks).ConfigureAwait(false);
            if (e is not OperationCanceledException)
                throw;
        }
        finally
        {
            foreach (Process process in ranks)
                process.Dispose();
        }

        cancellationToken.ThrowIfCancellationRequested();
        return failed != 0 ? failed : stop.IsCancellationRequested ? 130 : 0;

        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private Process Start(int rank, string job)
    {
        ProcessStartInfo start = new(Command[0], Command.Skip(1)) { UseShellExecute = false };
        foreach ((string name, string? value) in Environment)
            start.Environment[name] = value;
        string size = WorldSize.ToString(CultureInfo.InvariantCulture);
        start.Environment["COLLECTIVES_RANK"] = start.Environment["COLLECTIVES_LOCAL_RANK"] = rank.ToString(CultureInfo.InvariantCulture);
        start.Environment["COLLECTIVES_WORLD_SIZE"] = start.Environment["COLLECTIVES_LOCAL_SIZE"] = size;
        start.Environment["COLLECTIVES_JOB_ID"] = job;
        start.Environment[LauncherVariable] = $"{System.Environment.ProcessId} {ProcessIdentity.OwnStartTime}";
        return Process.Start(start) ?? throw new InvalidOperationException($"{Command[0]} could not be started.");
    }

    private static async Task EndAllAsync(List<Process> ranks)
    {
        foreach (Process process in ranks.Where(process => !process.HasExited))
            _ = PosixNative.kill(process.Id, PosixNative.SIGTERM);
        using CancellationTokenSource patience = new(s_grace);
        foreach (Process process in ranks)
        {
            try
            {
                await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
