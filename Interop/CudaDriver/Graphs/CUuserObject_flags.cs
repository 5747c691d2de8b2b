namespace CollectivesSharp.Interop;

[Flags]
public enum CUuserObject_flags
{
    CU_USER_OBJECT_NO_DESTRUCTOR_SYNC = 0x1,
}
