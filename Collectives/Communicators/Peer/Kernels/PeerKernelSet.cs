using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>All kernels that reduce, for one type and operation.</summary>
internal sealed record PeerKernelSet(CudaKernel OneShot, CudaKernel TwoShot, CudaKernel Windowed, CudaKernel ReduceScatter, CudaKernel CopyEngine);
