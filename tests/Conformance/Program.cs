using System.Globalization;
using CollectivesSharp.Conformance.Device;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace CollectivesSharp.Conformance;

/// <summary>
/// Started plainly: the cases run on ranks that are threads. Started by a launcher: every rank runs the same cases in the same order on the group of the
/// job. With "--ranks N": starts itself as N processes. Device/ runs on GPUs, the rest on host memory.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        ProcessLauncher.EndWithLauncher();
        if (args is ["--ranks", var count, .. var rest])
            return await new ProcessLauncher { Command = ProcessLauncher.SameProgram(rest), WorldSize = int.Parse(count, CultureInfo.InvariantCulture) }.RunAsync();
        if (args.Any(arg => arg is "--server" or "--internal-msbuild-node"))
            return await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);

        DeviceWorld.PlayNode();
        if (World.Launch.Rank == 0)
            return await ConsoleRunner.Run(args);

        // One rank's report is enough to read, unless another one fails.
        using StringWriter report = new();
        Console.SetOut(report);
        int result = await ConsoleRunner.Run(args);
        if (result != 0)
            await Console.Error.WriteLineAsync($"rank {World.Launch.Rank}:{Environment.NewLine}{report}");
        return result;
    }
}
