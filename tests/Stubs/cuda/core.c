/* What every call passes: initialisation, the log, injected faults; the devices that the environment asks for. */
#include "stub.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

pthread_mutex_t stub_lock = PTHREAD_MUTEX_INITIALIZER;
_Thread_local bool stub_in_callback;

static _Thread_local int t_quiet;
static atomic_bool s_initialised;
static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static int s_visible[MAX_DEVICES], s_visible_count, s_log = -1;

struct fault { char name[64]; int code, nth; _Atomic int calls; };
static struct fault s_faults[16];
static int s_fault_count;

static int number(const char *variable, int fallback)
{
    const char *text = getenv(variable);
    return text != NULL && *text != '\0' ? atoi(text) : fallback;
}

bool stub_flag(const char *variable) { return number(variable, 0) != 0; }

static void read_faults(const char *text)
{
    while (text != NULL && *text != '\0' && s_fault_count < 16) {
        struct fault *f = &s_faults[s_fault_count];
        if (sscanf(text, "%63[^:,]:%d@%d", f->name, &f->code, &f->nth) >= 2)
            s_fault_count++;
        text = strchr(text, ',');
        if (text != NULL)
            text++;
    }
}

static void read_devices(void)
{
    int devices = number("STUB_CUDA_DEVICES", 2);
    devices = devices < 0 ? 0 : devices > MAX_DEVICES ? MAX_DEVICES : devices;
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    if (visible == NULL) {
        for (int i = 0; i < devices; i++)
            s_visible[s_visible_count++] = i;
        return;
    }
    /* As the driver does: what comes after the first number that is none of a device's is not looked at. */
    for (char *end; *visible != '\0' && s_visible_count < MAX_DEVICES; visible = *end == ',' ? end + 1 : end) {
        long index = strtol(visible, &end, 10);
        if (end == visible || index < 0 || index >= devices)
            break;
        s_visible[s_visible_count++] = (int)index;
    }
}

static void start(void)
{
    read_devices();
    read_faults(getenv("STUB_CUDA_FAIL"));
    const char *log = getenv("STUB_CUDA_LOG");
    if (log != NULL && *log != '\0')
        s_log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* For NCCL's stub, whose own calls are neither logged nor failed. */
API void stub_cuda_quiet(int change) { t_quiet += change; }

CUresult stub_enter(const char *name, bool needs_init)
{
    pthread_once(&s_once, start);
    if (t_quiet == 0) {
        if (s_log >= 0)
            dprintf(s_log, "%d %ld %s\n", getpid(), syscall(SYS_gettid), name);
        for (int i = 0; i < s_fault_count; i++) {
            struct fault *f = &s_faults[i];
            if (strcmp(f->name, name) == 0 && (atomic_fetch_add(&f->calls, 1) + 1 == f->nth || f->nth == 0))
                return f->code;
        }
    }
    if (stub_in_callback)
        return CUDA_ERROR_NOT_PERMITTED;
    return needs_init && !atomic_load(&s_initialised) ? CUDA_ERROR_NOT_INITIALIZED : CUDA_SUCCESS;
}

CUresult stub_unsupported(const char *name)
{
    CUresult entered = stub_enter(name, true);
    return entered != CUDA_SUCCESS ? entered : CUDA_ERROR_NOT_SUPPORTED;
}

int stub_device_count(void) { return s_visible_count; }

int stub_physical(CUdevice device) { return device >= 0 && device < s_visible_count ? s_visible[device] : -1; }

size_t stub_total_memory(void)
{
    const char *text = getenv("STUB_CUDA_MEMORY");
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : (size_t)16 << 30;
}

int64_t stub_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void stub_futex_wait(_Atomic uint32_t *word, uint32_t expected)
{
    struct timespec limit = { 0, 5000000 };
    syscall(SYS_futex, word, FUTEX_WAIT, expected, &limit, NULL, 0);
}

void stub_futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0); }

API CUresult cuInit(unsigned flags)
{
    CUresult entered = stub_enter(__func__, false);
    NEED(entered == CUDA_SUCCESS, entered);
    NEED(flags == 0, CUDA_ERROR_INVALID_VALUE);
    NEED(s_visible_count > 0, CUDA_ERROR_NO_DEVICE);
    atomic_store(&s_initialised, true);
    return CUDA_SUCCESS;
}

API CUresult cuDriverGetVersion(int *version)
{
    CUresult entered = stub_enter(__func__, false);
    NEED(entered == CUDA_SUCCESS, entered);
    NEED(version != NULL, CUDA_ERROR_INVALID_VALUE);
    *version = number("STUB_CUDA_VERSION", 13000);
    return CUDA_SUCCESS;
}

API CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, uint64_t flags, int *status)
{
    (void)version, (void)flags;
    CUresult entered = stub_enter(__func__, false);
    NEED(entered == CUDA_SUCCESS, entered);
    NEED(symbol != NULL && function != NULL, CUDA_ERROR_INVALID_VALUE);
    Dl_info self;
    void *library = dladdr((void *)&s_log, &self) != 0 ? dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    char name[128];
    *function = NULL;
    for (int suffix = 3; suffix > 0 && *function == NULL && library != NULL; suffix--) {
        snprintf(name, sizeof name, suffix > 1 ? "%s_v%d" : "%s", symbol, suffix);
        *function = dlsym(library, name);
    }
    if (status != NULL)
        *status = *function != NULL ? 0 : 1;
    return *function != NULL ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
