/* What the devices say of themselves: all alike, like an H100 as far as the numbers go, each with an identity that is the same in every process. */
#include "stub.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static CUresult entered_device(const char *name, CUdevice device)
{
    TRY(stub_enter(name, true));
    return stub_physical(device) >= 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
#define ENTER_DEVICE(device) TRY(entered_device(__func__, device))

API CUresult cuDeviceGetCount(int *count)
{
    ENTER();
    NEED(count != NULL, CUDA_ERROR_INVALID_VALUE);
    *count = stub_device_count();
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    ENTER_DEVICE(ordinal);
    NEED(device != NULL, CUDA_ERROR_INVALID_VALUE);
    *device = ordinal;
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
    ENTER_DEVICE(device);
    NEED(name != NULL && length > 0, CUDA_ERROR_INVALID_VALUE);
    snprintf(name, (size_t)length, "Stub GPU %d", stub_physical(device));
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetUuid_v2(unsigned char uuid[16], CUdevice device)
{
    ENTER_DEVICE(device);
    NEED(uuid != NULL, CUDA_ERROR_INVALID_VALUE);
    memcpy(uuid, "STUB-GPU-UUID-\0", 16);
    uuid[15] = (unsigned char)stub_physical(device);
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetUuid(unsigned char uuid[16], CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }

API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
    ENTER_DEVICE(device);
    NEED(bytes != NULL, CUDA_ERROR_INVALID_VALUE);
    *bytes = stub_total_memory();
    return CUDA_SUCCESS;
}

static int bus(CUdevice device) { return 0x10 + stub_physical(device); }

API CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice device)
{
    ENTER_DEVICE(device);
    NEED(text != NULL && length > 0, CUDA_ERROR_INVALID_VALUE);
    snprintf(text, (size_t)length, "0000:%02X:00.0", bus(device));
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *text)
{
    ENTER();
    NEED(device != NULL && text != NULL, CUDA_ERROR_INVALID_VALUE);
    for (CUdevice i = 0; i < stub_device_count(); i++) {
        char own[16], brief[16];
        snprintf(own, sizeof own, "0000:%02X:00.0", bus(i));
        snprintf(brief, sizeof brief, "0000:%02X:00", bus(i));
        if (strcasecmp(text, own) == 0 || strcasecmp(text, own + 5) == 0 || strcasecmp(text, brief) == 0 || strcasecmp(text, brief + 5) == 0) {
            *device = i;
            return CUDA_SUCCESS;
        }
    }
    return CUDA_ERROR_INVALID_DEVICE;
}

/* By CUdevice_attribute. What is not listed and not refused below is 1 for a feature that the stub has, or 0. */
static const int s_attributes[140] = {
    [1] = 1024, [2] = 1024, [3] = 1024, [4] = 64, [5] = 2147483647, [6] = 65535, [7] = 65535, [8] = 49152, [9] = 65536, [10] = 32,
    [11] = 2147483647, [12] = 65536, [13] = 1980000, [14] = 512, [15] = 1, [16] = 4, [19] = 1, [30] = 512, [31] = 1, [32] = 1,
    [36] = 2619000, [37] = 5120, [38] = 52428800, [39] = 2048, [40] = 3, [41] = 1, [51] = 32, [75] = 9, [76] = 0, [78] = 1, [79] = 1,
    [80] = 1, [81] = 233472, [82] = 65536, [86] = 0, [87] = 2, [90] = 1, [91] = 1, [92] = 1, [93] = 1, [94] = 1, [95] = 1, [97] = 232448,
    [98] = 0, [99] = 1, [102] = 1, [103] = 1, [106] = 32, [110] = 0, [111] = 1024, [113] = 0, [115] = 1, [119] = 0, [120] = 1, [122] = 1,
    [123] = 1, [125] = 1, [126] = 4, [131] = -1, [134] = 0,
};

API CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device)
{
    ENTER_DEVICE(device);
    NEED(value != NULL && attribute > 0 && attribute < 140, CUDA_ERROR_INVALID_VALUE);
    *value = attribute == 33 ? bus(device) : s_attributes[attribute];
    return CUDA_SUCCESS;
}

API CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer)
{
    ENTER_DEVICE(device);
    NEED(stub_physical(peer) >= 0, CUDA_ERROR_INVALID_DEVICE);
    NEED(can != NULL, CUDA_ERROR_INVALID_VALUE);
    *can = device != peer && !stub_flag("STUB_CUDA_NO_PEER");
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetP2PAttribute(int *value, int attribute, CUdevice device, CUdevice peer)
{
    ENTER_DEVICE(device);
    NEED(stub_physical(peer) >= 0 && device != peer, CUDA_ERROR_INVALID_DEVICE);
    NEED(value != NULL && attribute >= 1 && attribute <= 4, CUDA_ERROR_INVALID_VALUE);
    bool reachable = !stub_flag("STUB_CUDA_NO_PEER");
    *value = reachable && (attribute == 2 || (attribute == 3 && !stub_flag("STUB_CUDA_PCIE")));
    return CUDA_SUCCESS;
}
