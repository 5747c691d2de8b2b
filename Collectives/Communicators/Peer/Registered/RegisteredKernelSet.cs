using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The kernels whose results go into registered memory, for one type and operation.</summary>
internal sealed record RegisteredKernelSet(CudaKernel CopyEngine, CudaKernel Registered);
