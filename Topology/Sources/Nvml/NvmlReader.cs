using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using static CollectivesSharp.Interop.nvmlReturn_t;

namespace CollectivesSharp.Topology;

/// <summary>Asks the machine's NVML everything that a topology needs. Never throws; a call that fails is written down.</summary>
internal sealed unsafe partial class NvmlReader
{
    private const int MaxMigDevices = 16;

    private readonly List<string> _failures = [];

    private NvmlReader()
    {
    }

    internal static NvmlSnapshot Read()
    {
        try
        {
            nvmlReturn_t result = NvmlNative.nvmlInit_v2();
            if (result != NVML_SUCCESS)
                return new NvmlSnapshot { Error = $"nvmlInit_v2: {Text(result)}" };
            try
            {
                return new NvmlReader().ReadAll();
            }
            finally
            {
                _ = NvmlNative.nvmlShutdown();
            }
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            // The rest lists every place that was tried.
            return new NvmlSnapshot { Error = e.Message.Split('\n')[0].Trim() };
        }
    }

    private NvmlSnapshot ReadAll()
    {
        uint count = 0;
        _ = Good(NvmlNative.nvmlDeviceGetCount_v2(&count), nameof(NvmlNative.nvmlDeviceGetCount_v2));
        List<nint> handles = [];
        List<NvmlGpu> gpus = [];
        for (uint i = 0; i < count; i++)
        {
            nint handle;
            if (!Good(NvmlNative.nvmlDeviceGetHandleByIndex_v2(i, &handle), $"{nameof(NvmlNative.nvmlDeviceGetHandleByIndex_v2)}({i})"))
                continue;
            handles.Add(handle);
            gpus.Add(ReadGpu(handle, i));
        }

        nint[] devices = [.. handles];
        return new NvmlSnapshot
        {
            DriverVersion = ReadText(NvmlNative.NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE, &NvmlNative.nvmlSystemGetDriverVersion),
            Gpus = gpus,
            P2P = [.. Enumerable.Range(0, (int)nvmlGpuP2PCapsIndex_t.NVML_P2P_CAPS_INDEX_UNKNOWN).Select(capability => Pairs(devices, (a, b) =>
            {
                nvmlGpuP2PStatus_t status;
                return NvmlNative.nvmlDeviceGetP2PStatus(a, b, (nvmlGpuP2PCapsIndex_t)capability, &status) == NVML_SUCCESS ? (int)status : -1;
            }))],
            Ancestors = Pairs(devices, (a, b) =>
            {
                nvmlGpuTopologyLevel_t level;
                return a != b && NvmlNative.nvmlDeviceGetTopologyCommonAncestor(a, b, &level) == NVML_SUCCESS ? (int)level : -1;
            }),
            Failures = _failures,
        };
    }

    private static int[][] Pairs(nint[] devices, Func<nint, nint, int> ask) => [.. devices.Select(a => devices.Select(b => ask(a, b)).ToArray())];

    private NvmlGpu ReadGpu(nint gpu, uint index)
    {
        nvmlPciInfo_t pci;
        bool hasPci = Good(NvmlNative.nvmlDeviceGetPciInfo_v3(gpu, &pci), $"nvmlDeviceGetPciInfo_v3({index})");
        int major, minor;
        bool hasCapability = Good(NvmlNative.nvmlDeviceGetCudaComputeCapability(gpu, &major, &minor), $"nvmlDeviceGetCudaComputeCapability({index})");
        nvmlMemory_t memory;
        // Grace Blackwell's small machines have no memory of their own to tell of.
        bool hasMemory = Good(NvmlNative.nvmlDeviceGetMemoryInfo(gpu, &memory), $"nvmlDeviceGetMemoryInfo({index})");
        uint mig = 0, pending;
        bool hasMig = Good(NvmlNative.nvmlDeviceGetMigMode(gpu, &mig, &pending), $"nvmlDeviceGetMigMode({index})");
        uint node = 0;
        bool hasNode = NvmlFeatures.Has(nameof(NvmlNative.nvmlDeviceGetNumaNodeId)) && Good(NvmlNative.nvmlDeviceGetNumaNodeId(gpu, &node), $"nvmlDeviceGetNumaNodeId({index})");
        long? c2c = Field(gpu, NvmlNative.NVML_FI_DEV_C2C_LINK_COUNT, 0);
        return new NvmlGpu
        {
            BusId = hasPci ? Marshal.PtrToStringUTF8((nint)pci.busId) : null,
            Name = ReadText(gpu, NvmlNative.NVML_DEVICE_NAME_V2_BUFFER_SIZE, &NvmlNative.nvmlDeviceGetName),
            Uuid = ReadText(gpu, NvmlNative.NVML_DEVICE_UUID_V2_BUFFER_SIZE, &NvmlNative.nvmlDeviceGetUUID),
            Major = hasCapability ? major : null,
            Minor = hasCapability ? minor : null,
            MemoryBytes = hasMemory ? memory.total : null,
            MemoryNumaNode = hasNode ? (int)node : null,
            Mig = hasMig ? mig == NvmlNative.NVML_DEVICE_MIG_ENABLE : null,
            MigUuids = hasMig && mig == NvmlNative.NVML_DEVICE_MIG_ENABLE ? ReadMig(gpu, index) : null,
            Fabric = ReadFabric(gpu, index),
            Links = ReadLinks(gpu),
            C2CCount = (int?)c2c,
            C2CActive = c2c > 0 ? Enumerable.Range(0, (int)Math.Min(c2c.Value, 64)).Count(link => Field(gpu, NvmlNative.NVML_FI_DEV_C2C_LINK_GET_STATUS, (uint)link) == 1) : null,
            C2CMegabytesPerSecond = c2c > 0 ? Field(gpu, NvmlNative.NVML_FI_DEV_C2C_LINK_GET_MAX_BW, 0) : null,
        };
    }

    private List<string> ReadMig(nint gpu, uint index)
    {
        List<string> uuids = [];
        uint most = 0;
        _ = Good(NvmlNative.nvmlDeviceGetMaxMigDeviceCount(gpu, &most), $"nvmlDeviceGetMaxMigDeviceCount({index})");
        for (uint i = 0; i < Math.Min(most, MaxMigDevices); i++)
        {
            nint instance;
            if (NvmlNative.nvmlDeviceGetMigDeviceHandleByIndex(gpu, i, &instance) == NVML_SUCCESS && ReadText(instance, NvmlNative.NVML_DEVICE_UUID_V2_BUFFER_SIZE, &NvmlNative.nvmlDeviceGetUUID) is { } uuid)
                uuids.Add(uuid);
        }

        return uuids;
    }

    /// <summary>"Not supported" is an answer; anything else that failed is written down.</summary>
    private bool Good(nvmlReturn_t result, string call)
    {
        if (result is not (NVML_SUCCESS or NVML_ERROR_NOT_SUPPORTED or NVML_ERROR_FUNCTION_NOT_FOUND))
            _failures.Add($"{call}: {Text(result)}");
        return result == NVML_SUCCESS;
    }

    private static string Text(nvmlReturn_t result) => $"{result} ({Marshal.PtrToStringUTF8((nint)NvmlNative.nvmlErrorString(result))})";

    private static string? ReadText(int size, delegate*<byte*, uint, nvmlReturn_t> call)
    {
        byte* text = stackalloc byte[size];
        return call(text, (uint)size) == NVML_SUCCESS ? Marshal.PtrToStringUTF8((nint)text) : null;
    }

    private static string? ReadText(nint gpu, int size, delegate*<nint, byte*, uint, nvmlReturn_t> call)
    {
        byte* text = stackalloc byte[size];
        return call(gpu, text, (uint)size) == NVML_SUCCESS ? Marshal.PtrToStringUTF8((nint)text) : null;
    }
}
