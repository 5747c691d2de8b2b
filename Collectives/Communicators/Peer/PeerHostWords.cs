using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// The host memory of a rank's kernels: the fault record that they write and the abort word that they read. That is the group's own where its ranks share a segment, so that one store of any process ends the kernels
/// of all; else, or where the driver refuses the page, a word of this rank's that somebody sets.
/// </summary>
internal sealed unsafe class PeerHostWords
{
    private const uint DeviceMap = 2;

    private readonly PinnedCell _cell;
    private readonly SharedSegment? _segment;

    private PeerHostWords(PinnedCell cell, SharedSegment? segment)
    {
        (_cell, _segment) = (cell, segment);
        Abort = segment is null ? cell.Word : (long*)(segment.Base + SegmentLayout.AbortOffset);
        DeviceFault = DevicePointer(cell.Fault);
        DeviceAbort = segment is null ? DevicePointer(cell.Word) : DevicePointer(segment.Base) + SegmentLayout.AbortOffset;
    }

    /// <summary>Not 0: the group is aborted.</summary>
    internal long* Abort { get; private set; }

    internal PeerFault* Fault => _cell.Fault;

    /// <summary>As the kernels see them.</summary>
    internal nint DeviceAbort { get; }

    internal nint DeviceFault { get; }

    /// <summary>The device's context is current. The driver may wait for the device.</summary>
    internal static PeerHostWords Make(ISegmentOwner? owner)
    {
        PinnedCell cell = PinnedCell.Take();
        SharedSegment? segment = owner?.Segment;
        bool held = false;
        segment?.DangerousAddRef(ref held);
        if (segment is not null && CudaDriverNative.cuMemHostRegister_v2(segment.Base, SegmentLayout.PageBytes, DeviceMap) != CUresult.CUDA_SUCCESS)
        {
            segment.DangerousRelease();
            segment = null;
        }

        return new PeerHostWords(cell, segment);
    }

    /// <summary>For kernels that read this rank's own word; the group's is set by the host communicator.</summary>
    internal void SetOwn() => Volatile.Write(ref *_cell.Word, 1);

    /// <summary>The kernels have ended, and nobody looks any more. The device's context is current.</summary>
    internal void Release()
    {
        Abort = _cell.Word;
        if (_segment is not null)
        {
            _ = CudaDriverNative.cuMemHostUnregister(_segment.Base);
            _segment.DangerousRelease();
        }

        _cell.GiveBack();
    }

    private static nint DevicePointer(void* host)
    {
        nint pointer;
        CUresult result = CudaDriverNative.cuMemHostGetDevicePointer_v2(&pointer, host, 0);
        return result == CUresult.CUDA_SUCCESS ? pointer : throw new CudaException($"Host memory at 0x{(nint)host:x} is not mapped for the device: {result} ({(int)result}).", result);
    }
}
