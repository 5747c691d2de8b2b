using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

public sealed unsafe class DriverTests
{
    [Fact]
    public void The_driver_says_that_there_is_no_device()
    {
        Libraries.Need(NativeLibraryKind.Cuda);
        Assert.SkipWhen(Libraries.DriverRuns, "This machine has a GPU.");

        Assert.Equal(CUresult.CUDA_ERROR_NO_DEVICE, CudaDriverNative.cuInit(0));
    }

    [Fact]
    public void The_driver_tells_its_version_and_the_names_of_errors_without_a_device()
    {
        Libraries.Need(NativeLibraryKind.Cuda);
        int version;
        byte* name, text;

        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuDriverGetVersion(&version));
        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuGetErrorName(CUresult.CUDA_ERROR_NO_DEVICE, &name));
        Assert.Equal(CUresult.CUDA_SUCCESS, CudaDriverNative.cuGetErrorString(CUresult.CUDA_ERROR_NO_DEVICE, &text));

        Assert.InRange(version, 12020, 99999);
        Assert.Equal(("CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"), (Marshal.PtrToStringUTF8((nint)name), Marshal.PtrToStringUTF8((nint)text)));
    }

    [Fact]
    public void The_features_know_what_the_driver_exports()
    {
        Libraries.Need(NativeLibraryKind.Cuda);

        Assert.True(CudaDriverFeatures.Has(nameof(CudaDriverNative.cuInit)));
        Assert.False(CudaDriverFeatures.Has("cuThereIsNoSuchFunction"));
    }

    [Fact]
    public void Nvml_says_that_the_driver_is_not_loaded()
    {
        Libraries.Need(NativeLibraryKind.Nvml);
        Assert.SkipWhen(Libraries.DriverRuns, "This machine has a GPU.");

        nvmlReturn_t result = NvmlNative.nvmlInit_v2();

        Assert.Equal((nvmlReturn_t.NVML_ERROR_DRIVER_NOT_LOADED, "Driver Not Loaded"), (result, Marshal.PtrToStringUTF8((nint)NvmlNative.nvmlErrorString(result))));
    }

    [Fact]
    public void A_versioned_struct_of_nvml_tells_its_size_and_version() =>
        Assert.Equal((2u << 24) | 40u, NvmlNative.StructVersion<nvmlMemory_v2_t>(2));
}
