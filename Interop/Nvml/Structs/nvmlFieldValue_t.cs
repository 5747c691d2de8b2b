using System.Runtime.InteropServices;

namespace CollectivesSharp.Interop;

/// <summary>Each value has its own return code.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct nvmlFieldValue_t
{
    public uint fieldId;
    public uint scopeId;
    public long timestamp;
    public long latencyUsec;
    public nvmlValueType_t valueType;
    public nvmlReturn_t nvmlReturn;
    public nvmlValue_t value;
}
