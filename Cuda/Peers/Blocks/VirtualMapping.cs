using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>A piece of virtual memory, own or imported, and the devices of this process that may touch it. Not thread-safe.</summary>
internal sealed unsafe class VirtualMapping
{
    private readonly HashSet<int> _granted = [];
    private readonly ulong _allocation;

    /// <summary>Takes the allocation over, also when it throws.</summary>
    internal VirtualMapping(ulong allocation, nuint bytes)
    {
        (_allocation, Bytes) = (allocation, bytes);
        nint address = 0;
        try
        {
            CudaCall.Check(CudaDriverNative.cuMemAddressReserve(&address, bytes, 0, 0, 0), "cuMemAddressReserve");
            CudaCall.Check(CudaDriverNative.cuMemMap(address, bytes, 0, allocation, 0), "cuMemMap");
        }
        catch
        {
            if (address != 0)
                _ = CudaDriverNative.cuMemAddressFree(address, bytes);
            _ = CudaDriverNative.cuMemRelease(allocation);
            throw;
        }

        Address = address;
    }

    internal nint Address { get; }

    internal nuint Bytes { get; }

    internal ulong Allocation => _allocation;

    /// <summary>Lets the device read and write; throws <see cref="CudaException"/> if it does not reach the memory.</summary>
    internal void GrantTo(CudaDevice device)
    {
        if (_granted.Contains(device.Ordinal))
            return;
        CUmemAccessDesc access = new()
        {
            location = new CUmemLocation { type = CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE, id = device.Ordinal },
            flags = CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE,
        };
        CudaCall.Check(CudaDriverNative.cuMemSetAccess(Address, Bytes, &access, 1), $"cuMemSetAccess for device {device}");
        _granted.Add(device.Ordinal);
    }

    /// <summary>The driver's cuMemUnmap waits for no work, unlike cuMemFree: whoever calls has seen to it that none is left.</summary>
    internal CUresult Free()
    {
        CUresult result = CudaDriverNative.cuMemUnmap(Address, Bytes);
        if (result == CUresult.CUDA_SUCCESS)
            result = CudaDriverNative.cuMemAddressFree(Address, Bytes);
        _ = CudaDriverNative.cuMemRelease(_allocation);
        return result;
    }
}
