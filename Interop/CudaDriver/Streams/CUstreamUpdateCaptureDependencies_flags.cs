namespace CollectivesSharp.Interop;

public enum CUstreamUpdateCaptureDependencies_flags
{
    CU_STREAM_ADD_CAPTURE_DEPENDENCIES = 0,
    CU_STREAM_SET_CAPTURE_DEPENDENCIES = 1,
}
