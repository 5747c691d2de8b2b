using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The kernels that reduce, for one type and operation. <paramref name="Registered"/>: null without registered memory.</summary>
internal sealed record PeerKernelSet(CudaKernel OneShot, CudaKernel TwoShot, CudaKernel Windowed, CudaKernel ReduceScatter, RegisteredKernelSet? Registered);
