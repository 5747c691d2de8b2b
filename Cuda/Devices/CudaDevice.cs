using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>
/// One visible GPU and its primary context, the one that the CUDA runtime, NCCL, torch and most libraries of a process share. One object a device and process;
/// the context is retained at the first use of <see cref="Context"/> and kept. All members may be used from any thread.
/// </summary>
public sealed unsafe partial class CudaDevice
{
    /// <summary>Enough for a fill to be a kernel.</summary>
    private const int ScratchWords = 1024;

    private static readonly Lock s_lock = new();
    private static CudaDevice[]? s_all;

    private readonly int _device;
    private nint _context;
    private nint _copyStream;
    private nint _scratch;

    private CudaDevice(int ordinal)
    {
        Ordinal = ordinal;
        int device;
        CudaCall.Check(CudaDriverNative.cuDeviceGet(&device, ordinal));
        _device = device;

        byte* text = stackalloc byte[256];
        CudaCall.Check(CudaDriverNative.cuDeviceGetName(text, 256, device));
        Name = Marshal.PtrToStringUTF8((nint)text)!;
        CudaCall.Check(CudaDriverNative.cuDeviceGetPCIBusId(text, 256, device));
        PciBusId = Marshal.PtrToStringUTF8((nint)text)!.ToLowerInvariant();
        CUuuid uuid;
        CudaCall.Check(CudaDriverNative.cuDeviceGetUuid_v2(&uuid, device));
        Uuid = new Guid(new ReadOnlySpan<byte>(uuid.bytes, 16), bigEndian: true);
        nuint bytes;
        CudaCall.Check(CudaDriverNative.cuDeviceTotalMem_v2(&bytes, device));
        TotalMemory = bytes;
        ComputeCapability = (Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR), Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
        MultiprocessorCount = Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    }

    /// <summary>
    /// A stream that <see cref="CreateStream"/> made is about to be destroyed, by its Dispose or by the finaliser of one that was forgotten: the last moment for whoever keeps its handle (a CUstream), to record an event on it,
    /// say. On that thread, the device's context current; a handler neither waits nor throws.
    /// </summary>
    public event Action<nint>? StreamEnding;

    /// <summary>Every device that CUDA_VISIBLE_DEVICES leaves, by ordinal; empty without a driver or a device (<see cref="CudaDriver.TryInitialize"/> says why).</summary>
    public static IReadOnlyList<CudaDevice> All
    {
        get
        {
            if (Volatile.Read(ref s_all) is { } known)
                return known;
            if (!CudaDriver.TryInitialize(out _))
                return [];
            lock (s_lock)
            {
                if (s_all is not null)
                    return s_all;
                int count;
                CudaCall.Check(CudaDriverNative.cuDeviceGetCount(&count));
                CudaDevice[] all = new CudaDevice[count];
                for (int ordinal = 0; ordinal < count; ordinal++)
                    all[ordinal] = new CudaDevice(ordinal);
                Volatile.Write(ref s_all, all);
                return all;
            }
        }
    }

    /// <summary>Its place among the visible devices, as CUDA counts them.</summary>
    public int Ordinal { get; }

    public string Name { get; }

    /// <summary>Lower case, with the domain: "0000:1b:00.0". Names the device in every process of the machine, unlike the ordinal.</summary>
    public string PciBusId { get; }

    /// <summary>Names the device, or the MIG instance, everywhere.</summary>
    public Guid Uuid { get; }

    /// <summary>Bytes.</summary>
    public nuint TotalMemory { get; }

    /// <summary>(9, 0) for Hopper.</summary>
    public (int Major, int Minor) ComputeCapability { get; }

    public int MultiprocessorCount { get; }

    /// <summary>The primary context (CUcontext).</summary>
    public nint Context
    {
        get
        {
            nint known = Volatile.Read(ref _context);
            return known != 0 ? known : Retain();
        }
    }

    /// <summary>For copies that the host waits for: beside all other work of the device, also beside kernels that wait for this thread.</summary>
    internal nint CopyStream
    {
        get
        {
            nint known = Volatile.Read(ref _copyStream);
            return known != 0 ? known : MakeCopyStream();
        }
    }

    /// <summary>Device memory of <see cref="ScratchWords"/> that nobody reads.</summary>
    private nint Scratch
    {
        get
        {
            nint known = Volatile.Read(ref _scratch);
            return known != 0 ? known : MakeScratch();
        }
    }

    /// <summary>The device with this ordinal. Throws <see cref="ArgumentOutOfRangeException"/> that lists what is visible.</summary>
    public static CudaDevice Get(int ordinal)
    {
        IReadOnlyList<CudaDevice> all = All;
        if ((uint)ordinal < (uint)all.Count)
            return all[ordinal];
        if (all.Count == 0)
        {
            CudaDriver.TryInitialize(out string? reason);
            throw new ArgumentOutOfRangeException(nameof(ordinal), ordinal, $"No such device. {reason}");
        }

        throw new ArgumentOutOfRangeException(nameof(ordinal), ordinal, $"No such device. Visible: {DescribeAll()}.");
    }

    /// <summary>"0 NVIDIA H100 0000:1b:00.0, 1 …", and what narrows the view.</summary>
    public static string DescribeAll()
    {
        string visible = Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES") is { } filter ? $" (CUDA_VISIBLE_DEVICES={filter})" : "";
        return All.Count == 0 ? $"none{visible}" : string.Join(", ", All) + visible;
    }

    /// <summary>
    /// The device that a pointer's memory is on. Null: the driver does not know the pointer, or it is host memory that was never pinned.
    /// </summary>
    public static CudaDevice? OfPointer(nint pointer)
    {
        int ordinal;
        return CudaDriver.TryInitialize(out _) && CudaDriverNative.cuPointerGetAttribute(&ordinal, CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, pointer) == CUresult.CUDA_SUCCESS && ordinal >= 0 && ordinal < All.Count
            ? All[ordinal]
            : null;
    }

    /// <summary>Makes the primary context current on this thread until the scope is disposed. Some 10 ns if it is current already.</summary>
    public CudaContextScope MakeCurrent() => new(Context);

    public int Attribute(CUdevice_attribute attribute)
    {
        int value;
        CudaCall.Check(CudaDriverNative.cuDeviceGetAttribute(&value, attribute, _device));
        return value;
    }

    /// <summary>Whether kernels on this device can load and store the other's memory.</summary>
    public bool CanAccess(CudaDevice peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        int can;
        CudaCall.Check(CudaDriverNative.cuDeviceCanAccessPeer(&can, _device, peer._device));
        return can != 0;
    }

    /// <summary>Whether the link to the other device carries atomics of this one as they are: NVLink does, PCIe does not. Of a device and itself the driver does not tell.</summary>
    /// <exception cref="CudaException">The driver does not know.</exception>
    public bool HasNativeAtomics(CudaDevice peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        int has;
        CudaCall.Check(CudaDriverNative.cuDeviceGetP2PAttribute(&has, CUdevice_P2PAttribute.CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED, _device, peer._device));
        return has != 0;
    }

    /// <summary>Waits for everything on the device, of every stream and thread of this process. Not while peers may spin: they could wait for this thread.</summary>
    public void Synchronize()
    {
        using CudaContextScope scope = MakeCurrent();
        CudaCall.Check(CudaDriverNative.cuCtxSynchronize());
    }

    public override string ToString() => $"{Ordinal} {Name} {PciBusId}";

    internal void TellStreamEnds(nint stream) => StreamEnding?.Invoke(stream);

    private nint MakeCopyStream()
    {
        using CudaContextScope scope = MakeCurrent();
        lock (s_lock)
        {
            if (_copyStream == 0)
            {
                nint stream;
                CudaCall.Check(CudaDriverNative.cuStreamCreate(&stream, (uint)CUstream_flags.CU_STREAM_NON_BLOCKING));
                Volatile.Write(ref _copyStream, stream);
            }

            return _copyStream;
        }
    }

    private nint MakeScratch()
    {
        using CudaContextScope scope = MakeCurrent();
        lock (s_lock)
        {
            if (_scratch == 0)
            {
                // Another thread's capture forbids it otherwise.
                CUstreamCaptureMode mode = CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED;
                CudaCall.Check(CudaDriverNative.cuThreadExchangeStreamCaptureMode(&mode));
                nint scratch;
                CUresult result = CudaDriverNative.cuMemAlloc_v2(&scratch, ScratchWords * sizeof(uint));
                CudaCall.Check(CudaDriverNative.cuThreadExchangeStreamCaptureMode(&mode));
                CudaCall.Check(result, $"cuMemAlloc_v2({ScratchWords * sizeof(uint)} bytes)");
                Volatile.Write(ref _scratch, scratch);
            }

            return _scratch;
        }
    }

    private nint Retain()
    {
        lock (s_lock)
        {
            if (_context == 0)
            {
                nint context;
                CudaCall.Check(CudaDriverNative.cuDevicePrimaryCtxRetain(&context, _device));
                Volatile.Write(ref _context, context);
            }

            return _context;
        }
    }
}
