using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>NCCL has refused a call, or reports that an earlier one failed. The message holds the call, its arguments and NCCL's own text.</summary>
public sealed class NcclException(string message, string group, string operation, long sequence, ncclResult_t result)
    : CollectiveException(message, group, operation, sequence)
{
    public ncclResult_t Result { get; } = result;
}
