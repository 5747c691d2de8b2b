using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>A union; C's member structs are spelled out: clusterDim.x is clusterDim_x.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct CUlaunchAttributeValue
{
    [FieldOffset(0)]
    public CUaccessPolicyWindow accessPolicyWindow;

    [FieldOffset(0)]
    public int cooperative;

    [FieldOffset(0)]
    public CUsynchronizationPolicy syncPolicy;

    [FieldOffset(0)]
    public uint clusterDim_x;

    [FieldOffset(4)]
    public uint clusterDim_y;

    [FieldOffset(8)]
    public uint clusterDim_z;

    [FieldOffset(0)]
    public CUclusterSchedulingPolicy clusterSchedulingPolicyPreference;

    [FieldOffset(0)]
    public int programmaticStreamSerializationAllowed;

    [FieldOffset(0)]
    public nint programmaticEvent_event;

    [FieldOffset(8)]
    public int programmaticEvent_flags;

    [FieldOffset(12)]
    public int programmaticEvent_triggerAtBlockStart;

    [FieldOffset(0)]
    public nint launchCompletionEvent_event;

    [FieldOffset(8)]
    public int launchCompletionEvent_flags;

    [FieldOffset(0)]
    public int priority;

    [FieldOffset(0)]
    public CUlaunchMemSyncDomainMap memSyncDomainMap;

    [FieldOffset(0)]
    public CUlaunchMemSyncDomain memSyncDomain;

    [FieldOffset(0)]
    public int deviceUpdatableKernelNode_deviceUpdatable;

    [FieldOffset(8)]
    public nint deviceUpdatableKernelNode_devNode;
}
