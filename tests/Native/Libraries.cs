using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>The real libraries, which eng/get-nvidia.sh brings where the machine has none.</summary>
internal static class Libraries
{
    public static void Need(NativeLibraryKind kind)
    {
        bool found = NativeLibraryLocator.TryFind(kind, out _, out _, out IReadOnlyList<NativeLibraryAttempt> trace);
        Assert.SkipUnless(found, $"{kind} is not on this machine, of {trace.Count} places that were looked at.");
    }

    /// <summary>Whether NVIDIA's kernel module runs here.</summary>
    public static bool DriverRuns => Directory.Exists("/proc/driver/nvidia");
}
