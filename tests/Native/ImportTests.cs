using System.Reflection;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

public sealed class ImportTests
{
    [Fact]
    public void Every_import_of_the_driver_resolves() => Resolve(typeof(CudaDriverNative), NativeLibraryKind.Cuda, CudaDriverFeatures.Since);

    [Fact]
    public void Every_import_of_nvrtc_resolves() => Resolve(typeof(NvrtcNative), NativeLibraryKind.Nvrtc, new Dictionary<string, string>());

    [Fact]
    public void Every_import_of_nvml_resolves() => Resolve(typeof(NvmlNative), NativeLibraryKind.Nvml, NvmlFeatures.Since);

    [Fact]
    public void Every_import_of_nccl_resolves_but_for_newer_ones() => Resolve(typeof(NcclNative), NativeLibraryKind.Nccl, NcclFeatures.Since);

    [Fact]
    public void Every_import_of_the_c_library_resolves() => Expect.None(Unresolved(typeof(PosixNative)));

    private static void Resolve(Type nativeClass, NativeLibraryKind kind, IReadOnlyDictionary<string, string> optional)
    {
        Libraries.Need(kind);

        string[] missing = Unresolved(nativeClass);

        Expect.None(missing.Except(optional.Keys));
    }

    private static string[] Unresolved(Type nativeClass)
    {
        MethodInfo[] imports = Bindings.Imports(nativeClass);
        Assert.NotEmpty(imports);
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(nativeClass.TypeHandle);
        var missing = new List<string>();
        foreach (MethodInfo import in imports)
        {
            try
            {
                Marshal.Prelink(import);
            }
            catch (EntryPointNotFoundException)
            {
                missing.Add(import.Name);
            }
        }

        return [.. missing];
    }
}
