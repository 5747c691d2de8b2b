using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CollectivesSharp.Unit.Device;

public sealed unsafe class NcclSetupTests
{
    [Fact]
    public void A_communicator_blocks_and_leaves_everything_else_to_NCCL()
    {
        ncclConfig_t config = Config(22809, new NcclOptions());
        Assert.Equal((1, NcclNative.NCCL_CONFIG_UNDEF_INT, NcclNative.NCCL_CONFIG_UNDEF_INT, NcclNative.NCCL_CONFIG_UNDEF_INT), (config.blocking, config.minCTAs, config.CTAPolicy, config.graphUsageMode));
        Assert.True(config.netName is null);
    }

    [Fact]
    public void Options_come_where_NCCL_reads_them()
    {
        NcclSetup setup = Of(22907, new NcclOptions { MinCtas = 2, MaxCtas = 8, CgaClusterSize = 4, TrafficClass = 3, CtaPolicy = 2, NvlsCtas = 5, GraphUsageMode = 0, NetName = "Socket" });
        ncclConfig_t config = setup.Config();
        Assert.Equal((2, 8, 4, 3), (config.minCTAs, config.maxCTAs, config.cgaClusterSize, config.trafficClass));
        Assert.Equal((2, 5, 0), (config.CTAPolicy, config.nvlsCTAs, config.graphUsageMode));
        Assert.Equal("Socket", Marshal.PtrToStringUTF8((nint)config.netName));
        Assert.Equal("tensor parallel", Marshal.PtrToStringUTF8((nint)config.commName));
        setup.Release();
    }

    [Fact]
    public void A_library_that_knows_no_name_of_a_communicator_is_given_none() => Assert.True(Config(22602, new NcclOptions()).commName is null);

    [Theory]
    [InlineData("TrafficClass", 22602, "2.26.2")]
    [InlineData("CtaPolicy", 22703, "2.27.3")]
    [InlineData("CtaPolicyOfCopyEngines", 22803, "2.28.3")]
    [InlineData("NvlsCtas", 22703, "2.27.3")]
    [InlineData("GraphUsageMode", 22902, "2.29.2")]
    public void An_option_is_refused_by_the_version_before_the_first_that_has_it(string option, int since, string text)
    {
        NcclOptions options = option switch
        {
            "TrafficClass" => new NcclOptions { TrafficClass = 1 },
            "CtaPolicy" => new NcclOptions { CtaPolicy = 1 },
            "CtaPolicyOfCopyEngines" => new NcclOptions { CtaPolicy = 2 },
            "NvlsCtas" => new NcclOptions { NvlsCtas = 1 },
            _ => new NcclOptions { GraphUsageMode = 1 },
        };
        _ = Config(since, options);
        string message = Assert.Throws<NotSupportedException>(() => Config(since - 1, options)).Message;
        Assert.Contains($"NCCL {NcclFeatures.VersionText(since - 1)} is at hand, {text} or newer is needed; COLLECTIVES_NCCL_PATH names another file.", message, StringComparison.Ordinal);
        Assert.StartsWith($"NcclOptions.{option.Replace("OfCopyEngines", "", StringComparison.Ordinal)} = ", message, StringComparison.Ordinal);
    }

    private static ncclConfig_t Config(int version, NcclOptions options)
    {
        NcclSetup setup = Of(version, options);
        try
        {
            return setup.Config();
        }
        finally
        {
            setup.Release();
        }
    }

    private static NcclSetup Of(int version, NcclOptions options) => new("tensor parallel", null!, version, options, TimeSpan.FromSeconds(1), null, NullLogger.Instance);
}
