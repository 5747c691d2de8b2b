using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>Owns one allocation; knows how it has to be given back.</summary>
internal sealed unsafe class DeviceMemoryHandle : SafeHandle
{
    private readonly CudaDevice _device;
    private readonly DeviceMemoryKind _kind;
    private readonly nuint _mapped;
    private readonly CudaStream? _stream;

    private DeviceMemoryHandle(CudaDevice device, nint pointer, DeviceMemoryKind kind, nuint mapped, CudaStream? stream)
        : base(0, ownsHandle: true)
    {
        (_device, _kind, _mapped, _stream) = (device, kind, mapped, stream);
        SetHandle(pointer);
    }

    public override bool IsInvalid => handle == 0;

    internal static DeviceMemoryHandle Plain(CudaDevice device, nuint bytes)
    {
        using CudaContextScope scope = device.MakeCurrent();
        nint pointer;
        if (CudaDriverNative.cuMemAlloc_v2(&pointer, bytes) is var result && result != CUresult.CUDA_SUCCESS)
            throw Refused(device, bytes, "cuMemAlloc", result);
        return new(device, pointer, DeviceMemoryKind.Plain, 0, null);
    }

    internal static DeviceMemoryHandle StreamOrdered(CudaStream stream, nuint bytes)
    {
        using CudaContextScope scope = stream.Device.MakeCurrent();
        nint pointer;
        if (CudaDriverNative.cuMemAllocAsync(&pointer, bytes, stream.Handle) is var result && result != CUresult.CUDA_SUCCESS)
            throw Refused(stream.Device, bytes, "cuMemAllocAsync", result);
        return new(stream.Device, pointer, DeviceMemoryKind.StreamOrdered, 0, stream);
    }

    internal static DeviceMemoryHandle Shareable(CudaDevice device, nuint bytes)
    {
        using CudaContextScope scope = device.MakeCurrent();
        CUmemAllocationProp properties = new()
        {
            type = CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED,
            requestedHandleTypes = CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
            location = new CUmemLocation { type = CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE, id = device.Ordinal },
        };
        if (device.Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED) != 0)
            properties.allocFlags_gpuDirectRDMACapable = 1;
        nuint granularity;
        CudaCall.Check(CudaDriverNative.cuMemGetAllocationGranularity(&granularity, &properties, CUmemAllocationGranularity_flags.CU_MEM_ALLOC_GRANULARITY_RECOMMENDED));
        nuint size = checked((bytes + granularity - 1) / granularity * granularity);
        ulong allocation;
        if (CudaDriverNative.cuMemCreate(&allocation, size, &properties, 0) is var result && result != CUresult.CUDA_SUCCESS)
            throw Refused(device, size, "cuMemCreate", result);
        nint pointer = 0;
        bool mapped = false;
        try
        {
            CudaCall.Check(CudaDriverNative.cuMemAddressReserve(&pointer, size, granularity, 0, 0));
            CudaCall.Check(CudaDriverNative.cuMemMap(pointer, size, 0, allocation, 0));
            mapped = true;
            CUmemAccessDesc[] access = [.. CudaDevice.All.Where(peer => peer == device || peer.CanAccess(device)).Select(peer => new CUmemAccessDesc
            {
                location = new CUmemLocation { type = CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE, id = peer.Ordinal },
                flags = CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE,
            })];
            fixed (CUmemAccessDesc* first = access)
                CudaCall.Check(CudaDriverNative.cuMemSetAccess(pointer, size, first, (nuint)access.Length));
        }
        catch
        {
            if (mapped)
                _ = CudaDriverNative.cuMemUnmap(pointer, size);
            if (pointer != 0)
                _ = CudaDriverNative.cuMemAddressFree(pointer, size);
            throw;
        }
        finally
        {
            // The mapping keeps the memory.
            _ = CudaDriverNative.cuMemRelease(allocation);
        }

        return new(device, pointer, DeviceMemoryKind.Shareable, size, null);
    }

    protected override bool ReleaseHandle()
    {
        try
        {
            using CudaContextScope scope = _device.MakeCurrent();
            switch (_kind)
            {
                case DeviceMemoryKind.StreamOrdered when _stream!.IsOpen:
                    return CudaDriverNative.cuMemFreeAsync(handle, _stream.Handle) == CUresult.CUDA_SUCCESS;
                case DeviceMemoryKind.Shareable:
                    // The memory goes, the addresses stay reserved. NCCL keeps a registration for a while after the last graph that used it is gone, by address: new memory there would be taken for the old one
                    // (wrong data from peers; 2.28.9, bench/results/nccl-stale-registration.json). There are 2^26 pieces of 2 MiB.
                    return CudaDriverNative.cuMemUnmap(handle, _mapped) == CUresult.CUDA_SUCCESS;
                default:
                    return CudaDriverNative.cuMemFree_v2(handle) == CUresult.CUDA_SUCCESS;
            }
        }
        catch (CudaException)
        {
            // The context is gone, and the memory with it.
            return false;
        }
    }

    private static CudaException Refused(CudaDevice device, nuint bytes, string call, CUresult result)
    {
        nuint free = 0, total = 0;
        _ = CudaDriverNative.cuMemGetInfo_v2(&free, &total);
        return new CudaException($"{bytes} bytes on device {device}: {call}: {CudaCall.Describe(result)}; {free} of {total} bytes are free.", result);
    }
}
