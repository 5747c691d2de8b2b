namespace CollectivesSharp.Interop;

[Flags]
public enum CUstream_flags
{
    CU_STREAM_DEFAULT = 0x0,
    CU_STREAM_NON_BLOCKING = 0x1,
}
