using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

public sealed class EnvironmentTests
{
    [Fact]
    public void What_native_code_reads_is_what_was_set_natively()
    {
        const string name = "COLLECTIVES_TEST_NATIVE_VARIABLE";
        Assert.Null(PosixNative.GetEnvironment(name));

        PosixNative.SetEnvironment(name, "größe 1");
        Assert.Equal(("größe 1", null), (PosixNative.GetEnvironment(name), Environment.GetEnvironmentVariable(name)));

        PosixNative.SetEnvironment(name, null);
        Assert.Null(PosixNative.GetEnvironment(name));
    }

    [Fact]
    public void A_name_that_c_forbids_is_refused() =>
        Assert.Contains("EINVAL", Assert.Throws<ArgumentException>(() => PosixNative.SetEnvironment("a=b", "c")).Message, StringComparison.Ordinal);
}
