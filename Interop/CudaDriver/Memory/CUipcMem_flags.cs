namespace CollectivesSharp.Interop;

[Flags]
public enum CUipcMem_flags
{
    CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS = 0x1,
}
