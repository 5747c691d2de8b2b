/* Versions, errors, the log, injected faults. */
#include "stub.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


static pthread_once_t s_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static char s_last_error[512];
static int s_log = -1;
static struct fault { char name[64]; int code, nth; _Atomic int calls; } s_faults[16];
static int s_fault_count;

int stub_number(const char *variable, int fallback)
{
    const char *text = getenv(variable);
    return text != NULL && *text != '\0' ? atoi(text) : fallback;
}

static void start(void)
{
    for (const char *text = getenv("STUB_NCCL_FAIL"); text != NULL && s_fault_count < 16;) {
        struct fault *f = &s_faults[s_fault_count];
        if (sscanf(text, "%63[^:,]:%d@%d", f->name, &f->code, &f->nth) >= 2)
            s_fault_count++;
        text = strchr(text, ',');
        text = text != NULL ? text + 1 : NULL;
    }
    const char *log = getenv("STUB_NCCL_LOG");
    if (log != NULL && *log != '\0')
        s_log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

ncclResult_t stub_enter(const char *name, const comm *c, size_t count, int type)
{
    pthread_once(&s_once, start);
    if (s_log >= 0)
        dprintf(s_log, "%d %d %s %zu %d\n", getpid(), c != NULL && c->magic == COMM_MAGIC ? c->rank : -1, name, count, type);
    for (int i = 0; i < s_fault_count; i++) {
        struct fault *f = &s_faults[i];
        if (strcmp(f->name, name) == 0 && (atomic_fetch_add(&f->calls, 1) + 1 == f->nth || f->nth == 0))
            return stub_fail(f->code, "stub: injected");
    }
    return ncclSuccess;
}

void stub_log_environment(void)
{
    static atomic_flag once = ATOMIC_FLAG_INIT;
    if (s_log < 0 || atomic_flag_test_and_set(&once))
        return;
    static const char *const names[] = { "NCCL_SOCKET_IFNAME", "NCCL_HOSTID", "NCCL_NVLS_ENABLE", "NCCL_DEBUG" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        dprintf(s_log, "%d env %s%s%s\n", getpid(), names[i], value != NULL ? "=" : " is not set", value != NULL ? value : "");
    }
}

ncclResult_t stub_fail(ncclResult_t code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&s_lock);
    vsnprintf(s_last_error, sizeof s_last_error, format, arguments);
    pthread_mutex_unlock(&s_lock);
    va_end(arguments);
    return code;
}

ncclResult_t stub_unsupported(const char *name)
{
    ncclResult_t entered = stub_enter(name, NULL, 0, 0);
    return entered != ncclSuccess ? entered : stub_fail(ncclInvalidUsage, "%s : the stub does not have this function", name);
}

/* STUB_NCCL_ASYNC_ERROR="rank:afterCalls:code" */
void stub_injected_async_error(comm *c)
{
    int rank, after, code;
    const char *text = getenv("STUB_NCCL_ASYNC_ERROR");
    if (text != NULL && sscanf(text, "%d:%d:%d", &rank, &after, &code) == 3 && c->rank == rank && atomic_load(&c->operations) >= after
        && atomic_exchange(&c->error, code) != code)
        stub_fail(code, "stub: injected");
}

int stub_version(void)
{
    extern const int stub_default_version;
    return stub_number("STUB_NCCL_VERSION", stub_default_version);
}

API ncclResult_t ncclGetVersion(int *version)
{
    TRY(stub_enter(__func__, NULL, 0, 0));
    NEED(version != NULL, ncclInvalidArgument, "%s : version argument is NULL", __func__);
    *version = stub_version();
    return ncclSuccess;
}

API ncclResult_t ncclGetUniqueId(ncclUniqueId *id)
{
    TRY(stub_enter(__func__, NULL, 0, 0));
    NEED(id != NULL, ncclInvalidArgument, "%s : out argument is NULL", __func__);
    stub_log_environment();
    return stub_new_id(id);
}

API const char *ncclGetErrorString(ncclResult_t code)
{
    switch (code) {
    case ncclSuccess: return "no error";
    case ncclUnhandledCudaError: return "unhandled cuda error (run with NCCL_DEBUG=INFO for details)";
    case ncclSystemError: return "unhandled system error (run with NCCL_DEBUG=INFO for details)";
    case ncclInternalError: return "internal error - please report this issue to the NCCL developers";
    case ncclInvalidArgument: return "invalid argument (run with NCCL_DEBUG=WARN for details)";
    case ncclInvalidUsage: return "invalid usage (run with NCCL_DEBUG=WARN for details)";
    case ncclRemoteError: return "remote process exited or there was a network error";
    case ncclInProgress: return "NCCL operation in progress";
    default: return "unknown result code";
    }
}

API const char *ncclGetLastError(const comm *c)
{
    static _Thread_local char copy[sizeof s_last_error];
    (void)c;
    pthread_mutex_lock(&s_lock);
    memcpy(copy, s_last_error, sizeof copy);
    pthread_mutex_unlock(&s_lock);
    return copy;
}

