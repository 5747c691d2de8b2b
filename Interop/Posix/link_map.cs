using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

[StructLayout(LayoutKind.Sequential)]
public unsafe struct link_map
{
    public nint l_addr;
    public byte* l_name;
    public void* l_ld;
    public link_map* l_next;
    public link_map* l_prev;
}
