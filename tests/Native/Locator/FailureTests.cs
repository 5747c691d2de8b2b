using System.Buffers.Binary;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native.Locator;

public sealed class FailureTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void A_library_of_another_architecture_is_named_as_such()
    {
        bool arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        byte[] content = File.ReadAllBytes(_machine.Library("original.so"));
        BinaryPrimitives.WriteUInt16LittleEndian(content.AsSpan(18), (ushort)(arm ? 62 : 183));
        string file = _machine.Place("usr/lib64/libnccl.so.2");
        File.WriteAllBytes(file, content);

        Assert.Equal(
            $"wrong architecture: the file is for {(arm ? "x86-64" : "arm64")}, this process is {(arm ? "arm64" : "x86-64")}",
            Outcome(NativeLibraryKind.Nccl, file));
    }

    [Fact]
    public void A_file_that_is_no_library_is_named_as_such()
    {
        string file = _machine.TextFile("INPUT(-lnccl)", "usr/lib64/libnccl.so.2");

        Assert.Equal("is no library (no ELF header)", Outcome(NativeLibraryKind.Nccl, file));
    }

    [Fact]
    public void A_library_that_does_not_load_gives_the_loaders_reason()
    {
        byte[] content = File.ReadAllBytes(_machine.Library("original.so"));
        string file = _machine.Place("usr/lib64/libnccl.so.2");
        File.WriteAllBytes(file, content[..64]);

        Assert.StartsWith($"could not be loaded: {file}: ", Outcome(NativeLibraryKind.Nccl, file), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unusable_copy_does_not_hide_a_usable_one()
    {
        _machine.TextFile("no library", "usr/local/cuda/lib64/libnccl.so.2");
        string expected = _machine.Library("usr/lib64/libnccl.so.2");

        Assert.Equal(expected, _machine.Registry.Find(NativeLibraryKind.Nccl).Path);
    }

    [Fact]
    public void The_exception_says_what_to_do_and_lists_each_place()
    {
        _machine.Library("usr/lib64/unrelated.so");

        NativeLibraryNotFoundException failure = _machine.Failure(NativeLibraryKind.Nvrtc);

        Assert.StartsWith(
            "NVRTC (libnvrtc.so.13) was not found. Install the CUDA toolkit's libnvrtc, 12.0 or newer, or pip's nvidia-cuda-nvrtc. "
            + "Or name its file by COLLECTIVES_NVRTC_PATH or NativeLibraryLocator.SetPath. Tried:",
            failure.Message,
            StringComparison.Ordinal);
        Assert.Equal(NativeLibraryKind.Nvrtc, failure.Kind);
        foreach (NativeLibraryAttempt attempt in failure.Trace)
            Assert.Contains($"{Environment.NewLine}  {attempt.Place}: {attempt.Outcome}", failure.Message, StringComparison.Ordinal);
        Assert.Contains(new NativeLibraryAttempt("COLLECTIVES_NVRTC_PATH", "not set"), failure.Trace);
        Assert.Contains(new NativeLibraryAttempt("pip's packages", "no python's site-packages has a folder nvidia"), failure.Trace);
        Assert.Contains(new NativeLibraryAttempt(_machine.Root + "/usr/local/cuda/lib64", "the folder does not exist"), failure.Trace);
        Assert.Contains(new NativeLibraryAttempt(_machine.Root + "/usr/lib64", "has no libnvrtc.so.13 or libnvrtc.so.12 or libnvrtc.so"), failure.Trace);
    }

    [Fact]
    public void The_builtins_beside_nvrtc_are_loaded_with_it()
    {
        string nvrtc = _machine.Library("site/libnvrtc.so.12"), builtins = _machine.Library("site/libnvrtc-builtins.so.12.4");
        Assert.Equal(0, Loaded(builtins));
        _machine.Registry.SetPath(NativeLibraryKind.Nvrtc, nvrtc);

        Assert.NotEqual(0, _machine.Registry.Find(NativeLibraryKind.Nvrtc).Handle);

        Assert.NotEqual(0, Loaded(builtins));
    }

    private static nint Loaded(string file) => PosixNative.Open(file, PosixNative.RTLD_LAZY | PosixNative.RTLD_NOLOAD, out _);

    private string Outcome(NativeLibraryKind kind, string file)
    {
        NativeLibrarySearchResult result = _machine.Registry.Find(kind);
        Assert.Equal(0, result.Handle);
        return Assert.Single(result.Trace, attempt => attempt.Place == file).Outcome;
    }
}
