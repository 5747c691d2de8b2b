namespace CollectivesSharp.Interop;

[Flags]
public enum CUuserObjectRetain_flags
{
    CU_GRAPH_USER_OBJECT_MOVE = 0x1,
}
