namespace CollectivesSharp.Interop;

[Flags]
public enum CUstreamWriteValue_flags
{
    CU_STREAM_WRITE_VALUE_DEFAULT = 0x0,
    CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER = 0x1,
}
