using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>A call of the CUDA driver failed. Errors of earlier kernels surface at later calls.</summary>
public sealed class CudaException(string message, CUresult result) : Exception(message)
{
    public CUresult Result { get; } = result;
}
