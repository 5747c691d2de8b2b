using System.Runtime.InteropServices;
using CollectivesSharp.Interop;
using Microsoft.Win32.SafeHandles;

namespace CollectivesSharp.Cuda;

/// <summary>A block of another process, mapped here once however many slices of it are in use: virtual memory for all devices of this process, IPC for each context.</summary>
internal sealed unsafe class PeerImport
{
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<Key, PeerImport> s_all = [];

    private readonly Key _key;
    private readonly CudaDevice _device;
    private readonly VirtualMapping? _virtual;
    private int _uses;

    private PeerImport(Key key, CudaDevice device, nint address, VirtualMapping? mapping) => (_key, _device, Address, _virtual) = (key, device, address, mapping);

    internal nint Address { get; }

    /// <summary>The descriptor stays the caller's.</summary>
    internal static PeerImport Acquire(PeerProcess process, long block, nuint bytes, SafeFileHandle descriptor, CudaDevice device)
    {
        Key key = new(process, block, -1);
        lock (s_lock)
        {
            bool known = s_all.TryGetValue(key, out PeerImport? import);
            import ??= OpenVirtual(key, bytes, descriptor, device);
            try
            {
                import._virtual!.GrantTo(device);
            }
            catch when (!known)
            {
                import.Close();
                throw;
            }

            return import.Use();
        }
    }

    internal static PeerImport Acquire(PeerProcess process, long block, ReadOnlySpan<byte> handle, CudaDevice device)
    {
        Key key = new(process, block, device.Ordinal);
        lock (s_lock)
            return (s_all.TryGetValue(key, out PeerImport? import) ? import : OpenIpc(key, handle, device)).Use();
    }

    /// <summary>The last one unmaps it. False: the driver did not want to.</summary>
    internal bool Release()
    {
        lock (s_lock)
        {
            if (--_uses > 0)
                return true;
            s_all.Remove(_key);
            return Close();
        }
    }

    private PeerImport Use()
    {
        _uses++;
        s_all[_key] = this;
        return this;
    }

    private bool Close()
    {
        try
        {
            using CudaContextScope scope = _device.MakeCurrent();
            return (_virtual is not null ? _virtual.Free() : CudaDriverNative.cuIpcCloseMemHandle(Address)) == CUresult.CUDA_SUCCESS;
        }
        catch (CudaException)
        {
            return false;
        }
    }

    private static PeerImport OpenVirtual(Key key, nuint bytes, SafeFileHandle descriptor, CudaDevice device)
    {
        using CudaContextScope scope = device.MakeCurrent();
        ulong allocation;
        CudaCall.Check(CudaDriverNative.cuMemImportFromShareableHandle(&allocation, (void*)descriptor.DangerousGetHandle(), CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR), "cuMemImportFromShareableHandle");
        VirtualMapping mapping = new(allocation, bytes);
        return new PeerImport(key, device, mapping.Address, mapping);
    }

    private static PeerImport OpenIpc(Key key, ReadOnlySpan<byte> handle, CudaDevice device)
    {
        using CudaContextScope scope = device.MakeCurrent();
        nint address;
        CudaCall.Check(CudaDriverNative.cuIpcOpenMemHandle_v2(&address, MemoryMarshal.Read<CUipcMemHandle>(handle), (uint)CUipcMem_flags.CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS), $"cuIpcOpenMemHandle on device {device}");
        return new PeerImport(key, device, address, null);
    }

    /// <param name="Process">The exporter.</param>
    /// <param name="Block">As it names it.</param>
    /// <param name="Ordinal">The importing device; -1: all.</param>
    private readonly record struct Key(PeerProcess Process, long Block, int Ordinal);
}
