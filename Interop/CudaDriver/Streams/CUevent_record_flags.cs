namespace CollectivesSharp.Interop;

[Flags]
public enum CUevent_record_flags
{
    CU_EVENT_RECORD_DEFAULT = 0x0,
    CU_EVENT_RECORD_EXTERNAL = 0x1,
}
