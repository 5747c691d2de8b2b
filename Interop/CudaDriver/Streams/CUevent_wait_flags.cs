namespace CollectivesSharp.Interop;

[Flags]
public enum CUevent_wait_flags
{
    CU_EVENT_WAIT_DEFAULT = 0x0,
    CU_EVENT_WAIT_EXTERNAL = 0x1,
}
