using System.Reflection;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>The kernels of every assembly that this program brings along, also of those that come later. Those that have variants are CollectiveKernelTests'.</summary>
public sealed class KernelTests
{
    private static readonly string[] s_architectures = ["sm_80", "sm_90"];

    private static readonly Dictionary<string, Assembly> s_resources = Directory.GetFiles(AppContext.BaseDirectory, "CollectivesSharp*.dll")
        .Select(file => Assembly.Load(AssemblyName.GetAssemblyName(file)))
        .SelectMany(assembly => assembly.GetManifestResourceNames().Select(name => (name, assembly)))
        .ToDictionary(item => item.name, item => item.assembly, StringComparer.Ordinal);

    public static TheoryData<string, string> Kernels() =>
        new(s_resources.Keys.Where(name => name.EndsWith(".cu", StringComparison.Ordinal) && !CollectiveKernels.Reducing.Concat(CollectiveKernels.Copying).Concat(CollectiveKernels.Synchronizing).Concat(CollectiveKernels.Fused).Concat(CollectiveKernels.Local).Contains(Path.GetFileNameWithoutExtension(name))).SelectMany(name => s_architectures.Select(architecture => (name, architecture))));

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_kernel_compiles_for_each_architecture(string name, string architecture)
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        Dictionary<string, string> headers = s_resources.Where(item => item.Key.EndsWith(".cuh", StringComparison.Ordinal)).ToDictionary(item => item.Key, item => Read(item.Key), StringComparer.Ordinal);

        byte[] cubin = KernelCompiler.Compile(new KernelSource(name, Read(name), headers), architecture);

        Assert.True(cubin.AsSpan().StartsWith("\u007FELF"u8));
    }

    [Fact]
    public void Every_source_of_a_kernel_in_the_tree_is_one_of_those_that_are_compiled_here()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "CollectivesSharp.sln")))
            root = root.Parent;
        Assert.SkipWhen(root is null, "This program runs without its source tree.");

        string[] sources = [.. root.GetFiles("*.cu", SearchOption.AllDirectories).Select(file => file.Name)];

        Assert.NotEmpty(sources);
        Assert.Empty(sources.Except(s_resources.Keys));
    }

    private static string Read(string name)
    {
        using StreamReader reader = new(s_resources[name].GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
