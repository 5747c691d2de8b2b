using Xunit;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

[assembly: CollectionBehavior(MaxParallelThreads = 3)]

namespace CollectivesSharp.Failures;

/// <summary>"--rank KIND ..." is a rank for the tests to hurt; anything else runs the tests.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is ["--rank", var kind, .. var rest])
            return await RankProgram.RunAsync(kind, rest);
        if (args.Any(arg => arg is "--server" or "--internal-msbuild-node"))
            return await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions);
        return await ConsoleRunner.Run(args);
    }
}
