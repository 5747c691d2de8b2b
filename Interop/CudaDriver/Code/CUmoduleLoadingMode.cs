namespace CollectivesSharp.Interop;

public enum CUmoduleLoadingMode
{
    CU_MODULE_EAGER_LOADING = 1,
    CU_MODULE_LAZY_LOADING = 2,
}
