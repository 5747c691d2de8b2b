using System.Reflection;
using System.Runtime.InteropServices;

namespace CollectivesSharp.Perf;

/// <summary>What a result must say about where it was measured.</summary>
internal static class Machine
{
    internal static string Version { get; } = typeof(GroupCoordinator).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    internal static string Framework => RuntimeInformation.FrameworkDescription;

    internal static string Processor { get; } = FindProcessor();

    internal static string OperatingSystem => RuntimeInformation.OSDescription;

    /// <summary>"13.0": what the driver supports.</summary>
    internal static string CudaDriver
    {
        get
        {
            (int major, int minor) = Cuda.CudaDriver.Version;
            return $"{major}.{minor}";
        }
    }

    private static string FindProcessor()
    {
        try
        {
            string? line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
            if (line is not null)
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        catch (IOException)
        {
        }

        return RuntimeInformation.ProcessArchitecture.ToString();
    }
}
