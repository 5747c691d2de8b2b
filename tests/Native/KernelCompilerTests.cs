using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

public sealed class KernelCompilerTests : IDisposable
{
    private const string Architecture = "sm_90";

    private static readonly KernelSource s_source = new(
        "scale.cu",
        "#include \"factor.cuh\"\nextern \"C\" __global__ void scale(float *values) { values[threadIdx.x] *= FACTOR + EXTRA; }",
        new Dictionary<string, string> { ["factor.cuh"] = "#define FACTOR 2\n#ifndef EXTRA\n#define EXTRA 0\n#endif\n" });

    private readonly string _folder = Directory.CreateTempSubdirectory("collectives-test-").FullName;

    public KernelCompilerTests() => Libraries.Need(NativeLibraryKind.Nvrtc);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_source_with_its_headers_becomes_a_cubin() => Assert.True(KernelCompiler.Compile(s_source, Architecture).AsSpan().StartsWith("\u007FELF"u8));

    [Fact]
    public void A_source_that_does_not_compile_throws_with_file_line_and_architecture()
    {
        KernelCompilationException error = Assert.Throws<KernelCompilationException>(() => KernelCompiler.Compile(new KernelSource("bad.cu", "\n__global__ void bad() { undeclared(); }"), Architecture));
        Assert.StartsWith($"bad.cu for {Architecture}, NVRTC {KernelCompiler.Version}: NVRTC_ERROR_COMPILATION (6)", error.Message, StringComparison.Ordinal);
        Assert.Contains("bad.cu(2): error: identifier \"undeclared\" is undefined", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_was_not_given_is_named() => Assert.Contains(
        "missing.cuh", Assert.Throws<KernelCompilationException>(() => KernelCompiler.Compile(new KernelSource("bad.cu", "#include \"missing.cuh\""), Architecture)).Message, StringComparison.Ordinal);

    [Fact]
    public void An_option_that_NVRTC_does_not_know_is_named() =>
        Assert.Contains("--no-such-option", Assert.Throws<KernelCompilationException>(() => KernelCompiler.Compile(s_source, Architecture, "--no-such-option")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_kernel_is_compiled_once_for_each_source_header_option_and_architecture()
    {
        KernelCache cache = new(_folder);
        byte[] first = KernelLibrary.Compiled(s_source, Architecture, cache);
        Assert.Single(Directory.GetFiles(_folder));

        // The entry is what the second call gives: this one shows that nothing was compiled.
        string entry = Directory.GetFiles(_folder)[0];
        DateTime written = File.GetLastWriteTimeUtc(entry);
        Assert.Equal(first, KernelLibrary.Compiled(s_source, Architecture, cache));
        Assert.Equal(written, File.GetLastWriteTimeUtc(entry));

        KernelLibrary.Compiled(s_source, "sm_80", cache);
        KernelLibrary.Compiled(s_source, Architecture, cache, "-DEXTRA=1");
        KernelLibrary.Compiled(s_source with { Text = s_source.Text + "\n" }, Architecture, cache);
        KernelLibrary.Compiled(s_source with { Headers = new Dictionary<string, string> { ["factor.cuh"] = "#define FACTOR 3\n#define EXTRA 0\n" } }, Architecture, cache);
        Assert.Equal(5, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public void A_broken_entry_is_compiled_again()
    {
        KernelCache cache = new(_folder);
        byte[] first = KernelLibrary.Compiled(s_source, Architecture, cache);
        string entry = Directory.GetFiles(_folder)[0];
        File.WriteAllText(entry, "broken");
        Assert.Equal(first, KernelLibrary.Compiled(s_source, Architecture, cache));
        Assert.True(new FileInfo(entry).Length > first.Length);
    }

    [Fact]
    public void A_cache_that_can_not_be_written_costs_a_compilation_and_no_error()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.NotEmpty(KernelLibrary.Compiled(s_source, Architecture, new KernelCache(file)));
    }
}
