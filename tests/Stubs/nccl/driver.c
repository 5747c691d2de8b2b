/* The driver beneath: the copy that the process has loaded, or the one that COLLECTIVES_CUDA_PATH names. */
#include "stub.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static struct driver s_driver;
static bool s_found;
static pthread_once_t s_once = PTHREAD_ONCE_INIT;

static void *open_library(void)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    const char *named = getenv("COLLECTIVES_CUDA_PATH");
    if (library == NULL && named != NULL) {
        char path[4096];
        snprintf(path, sizeof path, "%s/libcuda.so.1", named);
        library = dlopen(path, RTLD_NOW);
        if (library == NULL)
            library = dlopen(named, RTLD_NOW);
    }
    return library != NULL ? library : dlopen("libcuda.so.1", RTLD_NOW);
}

static void find(void)
{
    void *library = open_library();
    s_found = library != NULL;
#define FIND(name) do { if (s_found) { s_driver.name = (__typeof__(s_driver.name))dlsym(library, #name); s_found = s_driver.name != NULL; } } while (0)
    FIND(cuCtxGetCurrent); FIND(cuCtxPushCurrent_v2); FIND(cuCtxPopCurrent_v2); FIND(cuCtxGetDevice); FIND(cuDevicePrimaryCtxRetain); FIND(cuDeviceGetPCIBusId);
    FIND(cuPointerGetAttribute); FIND(cuMemGetAddressRange_v2); FIND(cuLaunchHostFunc); FIND(cuStreamWaitEvent); FIND(cuEventCreate); FIND(cuEventRecord);
    FIND(cuStreamGetCaptureInfo_v2); FIND(cuUserObjectCreate); FIND(cuGraphRetainUserObject); FIND(cuMemGetAllocationGranularity); FIND(cuMemCreate);
    FIND(cuMemAddressReserve); FIND(cuMemMap); FIND(cuMemSetAccess); FIND(cuMemUnmap); FIND(cuMemAddressFree); FIND(cuMemRelease); FIND(stub_cuda_quiet);
}

const struct driver *stub_driver(void)
{
    pthread_once(&s_once, find);
    if (!s_found)
        stub_fail(ncclSystemError, "stub: libcuda.so.1 of the stubs is not in this process and not at COLLECTIVES_CUDA_PATH");
    return s_found ? &s_driver : NULL;
}

ncclResult_t stub_cuda_call(const char *name, int result)
{
    s_driver.stub_cuda_quiet(-1);
    return result == 0 ? ncclSuccess : stub_fail(ncclUnhandledCudaError, "Cuda failure %d in %s", result, name);
}
