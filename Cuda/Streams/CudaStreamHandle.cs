using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

internal sealed class CudaStreamHandle : SafeHandle
{
    private readonly CudaDevice _device;

    internal CudaStreamHandle(CudaDevice device, nint stream, bool owns)
        : base(-1, owns)
    {
        _device = device;
        SetHandle(stream);
    }

    /// <summary>0 is the legacy default stream.</summary>
    public override bool IsInvalid => handle == -1;

    protected override bool ReleaseHandle()
    {
        try
        {
            using CudaContextScope scope = _device.MakeCurrent();
            _device.TellStreamEnds(handle);
            return CudaDriverNative.cuStreamDestroy_v2(handle) == CUresult.CUDA_SUCCESS;
        }
        catch (CudaException)
        {
            return false;
        }
    }
}
