using System.Reflection;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit.Interop;

public sealed class PInvokeTests
{
    [Fact]
    public void Every_import_resolves_on_this_machine()
    {
        // Those of libraries that a machine may lack are tried where they are brought: tests/Native, and the conformance run over MPI.
        // LibraryImport puts the real import into a local function of the generated method: found by its flag, wherever it is.
        MethodInfo[] imports = [.. new[] { typeof(PosixNative) }
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))];
        string[] names = [.. imports.Select(import => import.GetCustomAttribute<DllImportAttribute>()!.EntryPoint!)];
        Assert.Contains("shm_open", names);
        Assert.Contains("syscall", names);

        Assert.Empty(imports.Select(Unresolved).OfType<string>());
    }

    private static string? Unresolved(MethodInfo import)
    {
        try
        {
            Marshal.Prelink(import);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or MarshalDirectiveException)
        {
            return $"{import.DeclaringType}.{import.Name}: {e.Message}";
        }
    }
}
