using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Unit.Cuda;

public sealed class KernelSourceTests
{
    private static readonly KernelSource s_source = new("a.cu", "text", new Dictionary<string, string> { ["a.cuh"] = "one", ["b.cuh"] = "two" });

    [Fact]
    public void The_key_changes_with_everything_that_the_compiler_sees()
    {
        string[] keys =
        [
            s_source.Digest("salt"),
            s_source.Digest("salt "),
            (s_source with { Name = "b.cu" }).Digest("salt"),
            (s_source with { Text = "text " }).Digest("salt"),
            (s_source with { Headers = new Dictionary<string, string> { ["a.cuh"] = "one", ["b.cuh"] = "two " } }).Digest("salt"),
            (s_source with { Headers = new Dictionary<string, string> { ["a.cuh"] = "one", ["c.cuh"] = "two" } }).Digest("salt"),
            (s_source with { Headers = new Dictionary<string, string> { ["a.cuh"] = "one" } }).Digest("salt"),
            (s_source with { Name = "a.cutext", Text = "" }).Digest("salt"),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void The_order_of_the_headers_is_nothing_that_the_compiler_sees() =>
        Assert.Equal(s_source.Digest("salt"), (s_source with { Headers = new Dictionary<string, string> { ["b.cuh"] = "two", ["a.cuh"] = "one" } }).Digest("salt"));

    [Fact]
    public void A_resource_that_is_not_there_is_named_with_those_that_are() =>
        Assert.Contains("has no resource nothing.cu; it has", Assert.Throws<ArgumentException>(() => KernelSource.FromResource(typeof(KernelSource).Assembly, "nothing.cu")).Message, StringComparison.Ordinal);
}
