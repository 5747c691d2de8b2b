using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using static CollectivesSharp.Interop.nvmlReturn_t;

namespace CollectivesSharp.Topology;

internal sealed unsafe partial class NvmlReader
{
    private static List<NvmlLink>? ReadLinks(nint gpu)
    {
        long count = Field(gpu, NvmlNative.NVML_FI_DEV_NVLINK_LINK_COUNT, 0) ?? NvmlNative.NVML_NVLINK_MAX_LINKS;
        long? common = Field(gpu, NvmlNative.NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON, 0);
        List<NvmlLink> links = [];
        // Newer GPUs may have more links than the constant knows.
        for (uint link = 0; link < Math.Min(count, 64); link++)
        {
            if (Active(gpu, link) is not { } active)
                continue;
            nvmlPciInfo_t remote;
            bool hasRemote = NvmlNative.nvmlDeviceGetNvLinkRemotePciInfo_v2(gpu, link, &remote) == NVML_SUCCESS;
            nvmlIntNvLinkDeviceType_t type;
            bool hasType = NvmlNative.nvmlDeviceGetNvLinkRemoteDeviceType(gpu, link, &type) == NVML_SUCCESS;
            uint peer;
            bool hasPeer = NvmlNative.nvmlDeviceGetNvLinkCapability(gpu, link, nvmlNvLinkCapability_t.NVML_NVLINK_CAP_P2P_SUPPORTED, &peer) == NVML_SUCCESS;
            links.Add(new NvmlLink
            {
                Link = (int)link,
                Active = active,
                PeerSupported = hasPeer ? peer == 1 : null,
                Version = Version(gpu, link),
                MegabytesPerSecond = Field(gpu, NvmlNative.NVML_FI_DEV_NVLINK_GET_SPEED, link) ?? common,
                RemoteBusId = hasRemote ? Marshal.PtrToStringUTF8((nint)remote.busId) : null,
                RemoteType = hasType ? (int)type : null,
                RemoteLink = active ? (int?)Field(gpu, NvmlNative.NVML_FI_DEV_NVLINK_REMOTE_NVLINK_ID, link) : null,
            });
        }

        return links.Count > 0 ? links : null;
    }

    private static bool? Active(nint gpu, uint link)
    {
        if (Field(gpu, NvmlNative.NVML_FI_DEV_NVLINK_GET_STATE, link) is { } state)
            return state == 1;
        nvmlEnableState_t enabled;
        return NvmlNative.nvmlDeviceGetNvLinkState(gpu, link, &enabled) == NVML_SUCCESS ? enabled == nvmlEnableState_t.NVML_FEATURE_ENABLED : null;
    }

    private static int? Version(nint gpu, uint link)
    {
        uint version;
        return NvmlNative.nvmlDeviceGetNvLinkVersion(gpu, link, &version) == NVML_SUCCESS ? (int)version : (int?)Field(gpu, NvmlNative.NVML_FI_DEV_NVLINK_GET_VERSION, link);
    }

    private NvmlFabric? ReadFabric(nint gpu, uint index)
    {
        if (NvmlFeatures.Has(nameof(NvmlNative.nvmlDeviceGetGpuFabricInfoV)))
        {
            nvmlGpuFabricInfo_v2_t info = new() { version = NvmlNative.StructVersion<nvmlGpuFabricInfo_v2_t>(2) };
            return Good(NvmlNative.nvmlDeviceGetGpuFabricInfoV(gpu, &info), $"nvmlDeviceGetGpuFabricInfoV({index})")
                ? new NvmlFabric { ClusterUuid = Convert.ToHexStringLower(new ReadOnlySpan<byte>(info.clusterUuid, 16)), Clique = info.cliqueId, State = info.state, Status = (int)info.status }
                : null;
        }

        nvmlGpuFabricInfo_t old;
        return Good(NvmlNative.nvmlDeviceGetGpuFabricInfo(gpu, &old), $"nvmlDeviceGetGpuFabricInfo({index})")
            ? new NvmlFabric { ClusterUuid = Convert.ToHexStringLower(new ReadOnlySpan<byte>(old.clusterUuid, 16)), Clique = old.cliqueId, State = old.state, Status = (int)old.status }
            : null;
    }

    /// <summary>A number; null if the GPU does not have it.</summary>
    private static long? Field(nint gpu, uint field, uint scope)
    {
        nvmlFieldValue_t value = new() { fieldId = field, scopeId = scope };
        if (NvmlNative.nvmlDeviceGetFieldValues(gpu, 1, &value) != NVML_SUCCESS || value.nvmlReturn != NVML_SUCCESS)
            return null;
        return value.valueType switch
        {
            nvmlValueType_t.NVML_VALUE_TYPE_UNSIGNED_INT => value.value.uiVal,
            nvmlValueType_t.NVML_VALUE_TYPE_SIGNED_INT => value.value.siVal,
            nvmlValueType_t.NVML_VALUE_TYPE_DOUBLE => (long)value.value.dVal,
            _ => value.value.sllVal,
        };
    }
}
