/* An NVRTC for the stub driver, which has its kernels compiled in and finds them by name: whatever it is given becomes a cubin without content. The real one compiles every kernel in tests/Native. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))
typedef enum { SUCCESS = 0, INVALID_INPUT = 3 } nvrtcResult;
static const char image[] = "stub cubin";

API const char *nvrtcGetErrorString(nvrtcResult result) { return result == SUCCESS ? "NVRTC_SUCCESS" : "NVRTC_ERROR_INVALID_INPUT"; }

/* No real one's: cubins are cached by it. */
API nvrtcResult nvrtcVersion(int *major, int *minor)
{
    *major = 0;
    *minor = 1;
    return SUCCESS;
}

API nvrtcResult nvrtcCreateProgram(void **program, const char *source, const char *name, int headers, const char *const *texts, const char *const *names)
{
    (void)name, (void)texts, (void)names;
    if (!source || headers < 0)
        return INVALID_INPUT;
    *program = malloc(1);
    return SUCCESS;
}

API nvrtcResult nvrtcCompileProgram(void *program, int count, const char *const *options)
{
    (void)program, (void)count, (void)options;
    return SUCCESS;
}

API nvrtcResult nvrtcDestroyProgram(void **program)
{
    free(*program);
    *program = NULL;
    return SUCCESS;
}

API nvrtcResult nvrtcGetProgramLogSize(void *program, size_t *size)
{
    (void)program;
    *size = 1;
    return SUCCESS;
}

API nvrtcResult nvrtcGetProgramLog(void *program, char *log)
{
    (void)program;
    *log = 0;
    return SUCCESS;
}

API nvrtcResult nvrtcGetCUBINSize(void *program, size_t *size)
{
    (void)program;
    *size = sizeof image;
    return SUCCESS;
}

API nvrtcResult nvrtcGetCUBIN(void *program, char *cubin)
{
    (void)program;
    memcpy(cubin, image, sizeof image);
    return SUCCESS;
}
