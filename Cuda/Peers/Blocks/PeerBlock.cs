using System.Collections.Concurrent;
using CollectivesSharp.Interop;
using Microsoft.Win32.SafeHandles;

namespace CollectivesSharp.Cuda;

/// <summary>One allocation of this process on one device, cut into slices. Its <see cref="DeviceArena"/> guards it, but for <see cref="Find"/>.</summary>
internal sealed unsafe class PeerBlock
{
    private static readonly ConcurrentDictionary<long, PeerBlock> s_all = new();
    private static long s_lastId;

    private readonly VirtualMapping? _virtual;

    private PeerBlock(CudaDevice device, nint address, nuint bytes, VirtualMapping? mapping, bool exportable)
    {
        (Device, Address, Bytes, _virtual, IsExportable) = (device, address, bytes, mapping, exportable);
        Free = new FreeList(bytes);
        Id = Interlocked.Increment(ref s_lastId);
        s_all[Id] = this;
    }

    internal long Id { get; }

    internal CudaDevice Device { get; }

    internal nint Address { get; }

    internal nuint Bytes { get; }

    internal PeerWay Way => _virtual is null ? PeerWay.Plain : PeerWay.Virtual;

    /// <summary>Whether other processes may map it.</summary>
    internal bool IsExportable { get; }

    internal FreeList Free { get; }

    /// <summary>A block of this process that another rank of it has named.</summary>
    internal static PeerBlock Find(long id) => s_all[id];

    internal static PeerBlock Allocate(CudaDevice device, PeerWay way, nuint bytes, bool exportable)
    {
        using CudaContextScope scope = device.MakeCurrent();
        return way == PeerWay.Virtual ? AllocateVirtual(device, bytes, exportable) : AllocatePlain(device, bytes);
    }

    /// <summary>Lets a device of this process read and write it. Throws <see cref="CudaException"/>, whose text says why not.</summary>
    internal void GrantTo(CudaDevice device)
    {
        if (device == Device)
            return;
        if (!device.CanAccess(Device))
            throw new CudaException($"device {device} does not reach the memory of device {Device} (cuDeviceCanAccessPeer)", CUresult.CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
        if (_virtual is not null)
        {
            _virtual.GrantTo(device);
            return;
        }

        using CudaContextScope scope = device.MakeCurrent();
        CUresult result = CudaDriverNative.cuCtxEnablePeerAccess(Device.Context, 0);
        if (result != CUresult.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED)
            CudaCall.Check(result, $"cuCtxEnablePeerAccess from device {device} to device {Device}");
    }

    internal SafeFileHandle Export()
    {
        int descriptor = -1;
        CudaCall.Check(CudaDriverNative.cuMemExportToShareableHandle(&descriptor, _virtual!.Allocation, CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0), "cuMemExportToShareableHandle");
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    internal byte[] IpcHandle()
    {
        using CudaContextScope scope = Device.MakeCurrent();
        CUipcMemHandle handle;
        CudaCall.Check(CudaDriverNative.cuIpcGetMemHandle(&handle, Address), "cuIpcGetMemHandle");
        return new ReadOnlySpan<byte>(handle.reserved, CudaDriverNative.CU_IPC_HANDLE_SIZE).ToArray();
    }

    /// <summary>When no slice of it is left anywhere. Where the driver refuses, the context is gone, and the memory with it.</summary>
    internal void Release()
    {
        s_all.TryRemove(Id, out _);
        try
        {
            using CudaContextScope scope = Device.MakeCurrent();
            _ = _virtual is not null ? _virtual.Free() : CudaDriverNative.cuMemFree_v2(Address);
        }
        catch (CudaException)
        {
            // As above.
        }
    }

    private static PeerBlock AllocatePlain(CudaDevice device, nuint bytes)
    {
        nint pointer;
        CudaCall.Check(CudaDriverNative.cuMemAlloc_v2(&pointer, bytes), $"cuMemAlloc of {bytes} bytes on device {device}");
        return new PeerBlock(device, pointer, bytes, null, exportable: true);
    }

    private static PeerBlock AllocateVirtual(CudaDevice device, nuint bytes, bool exportable)
    {
        if (device.Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_VIRTUAL_ADDRESS_MANAGEMENT_SUPPORTED) == 0)
            throw new CudaException($"device {device} has no virtual memory management", CUresult.CUDA_ERROR_NOT_SUPPORTED);
        bool descriptors = device.Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED) != 0;
        if (exportable && !descriptors)
            throw new CudaException($"device {device} can't share memory by file descriptors", CUresult.CUDA_ERROR_NOT_SUPPORTED);
        ulong allocation;
        CUresult result = descriptors ? Create(device, bytes, shareable: true, out allocation, out nuint size) : Create(device, bytes, shareable: false, out allocation, out size);
        if (descriptors && !exportable && result != CUresult.CUDA_SUCCESS)
        {
            // Some containers refuse what can be shared; the threads of one process need no more than this.
            descriptors = false;
            result = Create(device, bytes, shareable: false, out allocation, out size);
        }

        CudaCall.Check(result, $"cuMemCreate of {size} bytes on device {device}");
        VirtualMapping mapping = new(allocation, size);
        try
        {
            mapping.GrantTo(device);
            return new PeerBlock(device, mapping.Address, size, mapping, descriptors);
        }
        catch
        {
            _ = mapping.Free();
            throw;
        }
    }

    private static CUresult Create(CudaDevice device, nuint bytes, bool shareable, out ulong allocation, out nuint size)
    {
        CUmemAllocationProp properties = new()
        {
            type = CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED,
            requestedHandleTypes = shareable ? CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR : CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_NONE,
            location = new CUmemLocation { type = CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE, id = device.Ordinal },
        };
        nuint granularity;
        ulong created = 0;
        size = bytes;
        CUresult result = CudaDriverNative.cuMemGetAllocationGranularity(&granularity, &properties, CUmemAllocationGranularity_flags.CU_MEM_ALLOC_GRANULARITY_RECOMMENDED);
        if (result == CUresult.CUDA_SUCCESS)
        {
            size = checked((bytes + granularity - 1) / granularity * granularity);
            result = CudaDriverNative.cuMemCreate(&created, size, &properties, 0);
        }

        allocation = created;
        return result;
    }
}
