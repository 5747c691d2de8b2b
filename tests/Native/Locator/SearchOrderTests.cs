using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native.Locator;

public sealed class SearchOrderTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Each_source_is_asked_only_after_those_before_it()
    {
        // From the last source to the first: each new one must take over.
        string[] files =
        [
            _machine.Library("usr/lib/x86_64-linux-gnu/libnccl.so.2"),
            _machine.Library("usr/local/cuda-12.9/lib64/libnccl.so.2"),
            _machine.Library("usr/local/cuda-12.10/lib64/libnccl.so.2"),
            _machine.Library("usr/local/cuda/lib64/libnccl.so.2"),
            _machine.Library("toolkit/lib64/libnccl.so.2"),
            _machine.Library("home/.local/lib/python3.12/site-packages/nvidia/nccl/lib/libnccl.so.2"),
            _machine.Library("usr/local/lib/python3.11/dist-packages/nvidia/nccl/lib/libnccl.so.2"),
            _machine.Library("opt/py/lib/python3.11/site-packages/nvidia/nccl/lib/libnccl.so.2"),
            _machine.Library("conda/lib/python3.11/site-packages/nvidia/nccl/lib/libnccl.so.2"),
            _machine.Library("venv/lib/python3.9/site-packages/nvidia/nccl/lib/libnccl.so.2"),
            _machine.Library("venv/lib/python3.10/site-packages/nvidia/nccl/lib/libnccl.so.2"),
            _machine.Library("variable/libnccl.so.2"),
        ];
        _machine.TextFile("", "opt/py/bin/python3");
        _machine["CUDA_HOME"] = Path.Combine(_machine.Root, "toolkit");
        _machine["HOME"] = Path.Combine(_machine.Root, "home");
        _machine["PATH"] = Path.Combine(_machine.Root, "nowhere") + ":" + Path.Combine(_machine.Root, "opt/py/bin");
        _machine["CONDA_PREFIX"] = Path.Combine(_machine.Root, "conda");
        _machine["VIRTUAL_ENV"] = Path.Combine(_machine.Root, "venv");
        _machine["COLLECTIVES_NCCL_PATH"] = files[^1];

        foreach (string expected in files.Reverse())
        {
            Assert.Equal(expected, Search().Path);
            File.Delete(expected);
            _machine["COLLECTIVES_NCCL_PATH"] = null;
        }

        Assert.Equal(0, Search().Handle);
    }

    [Fact]
    public void A_path_that_was_set_comes_before_the_variable()
    {
        string expected = _machine.Library("set/libnccl.so.2");
        _machine["COLLECTIVES_NCCL_PATH"] = _machine.Library("variable/libnccl.so.2");
        _machine.Registry.SetPath(NativeLibraryKind.Nccl, expected);

        Assert.Equal(expected, _machine.Registry.Find(NativeLibraryKind.Nccl).Path);
    }

    [Fact]
    public void A_variable_may_name_a_folder()
    {
        string expected = _machine.Library("folder/libnvrtc.so.12");
        _machine["COLLECTIVES_NVRTC_PATH"] = Path.GetDirectoryName(expected);

        Assert.Equal(expected, _machine.Registry.Find(NativeLibraryKind.Nvrtc).Path);
    }

    [Fact]
    public void A_variable_that_names_nothing_usable_ends_the_search()
    {
        _machine.Library("usr/local/cuda/lib64/libnccl.so.2");
        _machine["COLLECTIVES_NCCL_PATH"] = "/there/is/no/libnccl.so.2";

        NativeLibraryNotFoundException failure = _machine.Failure(NativeLibraryKind.Nccl);

        Assert.EndsWith(
            string.Join(Environment.NewLine + "  ", " Tried:", "NativeLibraryLocator.SetPath: not set", "COLLECTIVES_NCCL_PATH: set to /there/is/no/libnccl.so.2", "/there/is/no/libnccl.so.2: does not exist"),
            failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_python_that_is_a_link_is_followed_to_its_packages()
    {
        string python = _machine.TextFile("", "opt/py/bin/python3.11");
        string expected = _machine.Library("opt/py/lib/python3.11/site-packages/nvidia/cu13/lib/libnvrtc.so.13");
        string link = _machine.Place("usr/bin/python3");
        File.CreateSymbolicLink(link, python);
        _machine["PATH"] = Path.GetDirectoryName(link);

        Assert.Equal(expected, _machine.Registry.Find(NativeLibraryKind.Nvrtc).Path);
    }

    [Fact]
    public void What_the_process_has_loaded_is_taken_before_any_folder()
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        Assert.True(NativeLibraryLocator.TryFind(NativeLibraryKind.Nvrtc, out string? loaded, out _, out _));
        _machine.Library("usr/local/cuda/lib64/libnvrtc.so.13");
        var registry = new NativeLibraryRegistry(new SearchSpace(_machine.Root, _ => null));

        Assert.Equal(loaded, registry.Find(NativeLibraryKind.Nvrtc).Path);
    }

    [Fact]
    public void What_was_found_stays_and_its_path_can_no_longer_be_set()
    {
        string expected = _machine.Library("variable/libnccl.so.2");
        _machine["COLLECTIVES_NCCL_PATH"] = expected;
        NativeLibrarySearchResult first = _machine.Registry.Find(NativeLibraryKind.Nccl);
        _machine["COLLECTIVES_NCCL_PATH"] = _machine.Library("other/libnccl.so.2");

        Assert.Same(first, _machine.Registry.Find(NativeLibraryKind.Nccl));
        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => _machine.Registry.SetPath(NativeLibraryKind.Nccl, "elsewhere"));
        Assert.Contains($"already loaded from {expected}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_not_found_is_looked_for_again()
    {
        Assert.Equal(0, _machine.Registry.Find(NativeLibraryKind.Nccl).Handle);
        string expected = _machine.Library("usr/lib64/libnccl.so.2");

        Assert.Equal(expected, _machine.Registry.Find(NativeLibraryKind.Nccl).Path);
    }

    private NativeLibrarySearchResult Search() => new NativeLibrarySearch(NativeLibraryDescription.Of(NativeLibraryKind.Nccl), _machine.Space).Run(null, null);
}
