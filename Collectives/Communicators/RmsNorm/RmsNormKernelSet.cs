using CollectivesSharp.Cuda;

namespace CollectivesSharp;

/// <summary>The kernels that include rms_norm.cuh, for one type. <paramref name="OneShot"/> and <paramref name="TwoShot"/>: null without peer memory.</summary>
internal sealed record RmsNormKernelSet(CudaKernel Separate, CudaKernel? OneShot, CudaKernel? TwoShot);
