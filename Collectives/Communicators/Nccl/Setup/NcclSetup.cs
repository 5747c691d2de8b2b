using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Microsoft.Extensions.Logging;

namespace CollectivesSharp;

/// <summary>What a communicator and its children are made with.</summary>
internal sealed unsafe class NcclSetup(string group, CudaDevice device, int version, NcclOptions options, TimeSpan timeout, IHostCommunicator? host, ILogger logger)
{
    private nint _name = Marshal.StringToCoTaskMemUTF8(group);
    private nint _netName = options.NetName is null ? 0 : Marshal.StringToCoTaskMemUTF8(options.NetName);
    private DeviceBuffer<int>? _element;

    internal string Group => group;

    internal CudaDevice Device => device;

    internal int Version => version;

    internal NcclOptions Options => options;

    internal TimeSpan Timeout => timeout;

    internal IHostCommunicator? Host => host;

    internal ILogger Logger => logger;

    /// <summary>Throws <see cref="NotSupportedException"/> for an option that the library is too old for.</summary>
    internal ncclConfig_t Config()
    {
        ncclConfig_t config = ncclConfig_t.Undefined(version);
        config.blocking = 1;
        Need(options.TrafficClass, nameof(options.TrafficClass), 22602, ref config.trafficClass);
        Need(options.CtaPolicy, nameof(options.CtaPolicy), options.CtaPolicy == 2 ? 22803 : 22703, ref config.CTAPolicy);
        Need(options.NvlsCtas, nameof(options.NvlsCtas), 22703, ref config.nvlsCTAs);
        Need(options.GraphUsageMode, nameof(options.GraphUsageMode), 22902, ref config.graphUsageMode);
        Need(options.MinCtas, nameof(options.MinCtas), 0, ref config.minCTAs);
        Need(options.MaxCtas, nameof(options.MaxCtas), 0, ref config.maxCTAs);
        Need(options.CgaClusterSize, nameof(options.CgaClusterSize), 0, ref config.cgaClusterSize);
        config.netName = (byte*)_netName;
        if (version >= 22703)
            config.commName = (byte*)_name;
        return config;
    }

    /// <summary>Of device memory, for barriers: whatever it holds. There once <see cref="Allocate"/> has been called.</summary>
    internal nint Element => _element!.Pointer;

    /// <summary>Before the communicator is made; may wait for the device, as making it does.</summary>
    internal void Allocate() => CaptureMode.Relaxed(() => _element = device.Allocate<int>(1));

    /// <summary>For a child, whose strings and memory live as long as it does.</summary>
    internal NcclSetup ForChild(string name) => new(name, device, version, options, timeout, host, logger);

    /// <summary>When NCCL has no more use for any of it.</summary>
    internal void Release()
    {
        if (Interlocked.Exchange(ref _element, null) is { } element)
            CaptureMode.Relaxed(element.Dispose);
        Marshal.FreeCoTaskMem(Interlocked.Exchange(ref _name, 0));
        Marshal.FreeCoTaskMem(Interlocked.Exchange(ref _netName, 0));
    }

    private void Need(int? value, string name, int since, ref int field)
    {
        if (value is not { } wanted)
            return;
        if (version < since)
            throw new NotSupportedException($"{nameof(NcclOptions)}.{name} = {wanted}: NCCL {NcclFeatures.VersionText(version)} is at hand, {NcclFeatures.VersionText(since)} or newer is needed; COLLECTIVES_NCCL_PATH names another file.");
        field = wanted;
    }
}
