using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native.Locator;

public sealed class HandlerTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void The_first_handler_that_returns_a_handle_wins()
    {
        string first = _machine.Library("first/anything.so"), second = _machine.Library("second/anything.so");
        _machine["COLLECTIVES_NCCL_PATH"] = _machine.Library("variable/libnccl.so.2");
        var asked = new List<string>();
        _machine.Registry.Resolving += kind => Answer($"passes {kind}", 0);
        _machine.Registry.Resolving += kind => Answer("first", NativeLibrary.Load(first));
        _machine.Registry.Resolving += kind => Answer("second", NativeLibrary.Load(second));

        Assert.Equal(first, _machine.Registry.Find(NativeLibraryKind.Nccl).Path);
        Assert.Equal(["passes Nccl", "first"], asked);

        nint Answer(string name, nint handle)
        {
            asked.Add(name);
            return handle;
        }
    }

    [Fact]
    public void Handlers_that_pass_leave_the_search_to_the_other_sources()
    {
        string expected = _machine.Library("usr/lib64/libnccl.so.2");
        _machine.Registry.Resolving += _ => 0;

        Assert.Equal(expected, _machine.Registry.Find(NativeLibraryKind.Nccl).Path);
    }

    [Fact]
    public void A_handler_is_not_asked_for_what_it_asks_for_itself()
    {
        string expected = _machine.Library("usr/lib64/libnccl.so.2");
        int asked = 0;
        _machine.Registry.Resolving += kind =>
        {
            asked++;
            return _machine.Registry.Find(kind).Handle;
        };

        Assert.Equal(expected, _machine.Registry.Find(NativeLibraryKind.Nccl).Path);
        Assert.Equal(1, asked);
    }

    [Fact]
    public void A_handler_that_throws_reaches_the_caller_and_is_asked_again()
    {
        bool broken = true;
        _machine.Library("usr/lib64/libnccl.so.2");
        _machine.Registry.Resolving += _ => broken ? throw new InvalidOperationException("broken handler") : 0;

        Assert.Equal("broken handler", Assert.Throws<InvalidOperationException>(() => _machine.Registry.Find(NativeLibraryKind.Nccl)).Message);
        broken = false;
        Assert.NotEqual(0, _machine.Registry.Find(NativeLibraryKind.Nccl).Handle);
    }
}
