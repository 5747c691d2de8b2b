namespace CollectivesSharp.Interop;

public enum CUfunctionLoadingState
{
    CU_FUNCTION_LOADING_STATE_UNLOADED = 0,
    CU_FUNCTION_LOADING_STATE_LOADED = 1,
}
