using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>
/// The kernels of one source, loaded on one device. Taken from the cache on disk (by source, headers, options, architecture and NVRTC's version), else compiled by NVRTC for the
/// device's own architecture. Loading and <see cref="Get"/> are for preparation: they may synchronise the device, and neither is allowed during a capture or while
/// peers spin. Launches are. Any thread.
/// </summary>
public sealed unsafe class KernelLibrary : IDisposable
{
    private readonly ModuleHandle _module;

    private KernelLibrary(CudaDevice device, string name, ModuleHandle module)
    {
        (Device, Name, _module) = (device, name, module);
    }

    public CudaDevice Device { get; }

    public string Name { get; }

    /// <exception cref="KernelCompilationException">The source does not compile.</exception>
    /// <exception cref="NativeLibraryNotFoundException">There is no NVRTC, whose version is part of the cache's key.</exception>
    public static KernelLibrary Load(CudaDevice device, KernelSource source, params ReadOnlySpan<string> options) => Load(device, source, KernelCache.Default, options);

    /// <summary>Brings the compiled source into the cache on disk, so that this and other processes load it at once. Needs nothing of the device but its architecture. Throws as loading does.</summary>
    public static void Compile(CudaDevice device, KernelSource source, params ReadOnlySpan<string> options)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(source);
        Compiled(source, Architecture(device), KernelCache.Default, options);
    }

    internal static KernelLibrary Load(CudaDevice device, KernelSource source, KernelCache cache, params ReadOnlySpan<string> options)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(source);
        byte[] cubin = Compiled(source, Architecture(device), cache, options);
        using CudaContextScope scope = device.MakeCurrent();
        nint module;
        fixed (byte* image = cubin)
            CudaCall.Check(CudaDriverNative.cuModuleLoadData(&module, image));
        return new KernelLibrary(device, source.Name, new ModuleHandle(device, module));
    }

    internal static byte[] Compiled(KernelSource source, string architecture, KernelCache cache, params ReadOnlySpan<string> options)
    {
        string salt = $"{KernelCompiler.Version} {string.Join('\n', KernelCompiler.DefaultOptions(architecture))}\n{string.Join('\n', options)}";
        string key = source.Digest(salt);
        if (cache.Find(key) is { } known)
            return known;
        byte[] cubin = KernelCompiler.Compile(source, architecture, options);
        cache.Keep(key, cubin);
        return cubin;
    }

    /// <summary>A kernel that the source declares <c>extern "C" __global__</c>, loaded on the device. Throws <see cref="CudaException"/> if there is none of this name.</summary>
    public CudaKernel Get(string kernel)
    {
        ArgumentException.ThrowIfNullOrEmpty(kernel);
        ObjectDisposedException.ThrowIf(_module.IsClosed, this);
        using CudaContextScope scope = Device.MakeCurrent();
        nint text = Marshal.StringToCoTaskMemUTF8(kernel);
        try
        {
            nint function;
            CUresult result = CudaDriverNative.cuModuleGetFunction(&function, _module.DangerousGetHandle(), (byte*)text);
            if (result != CUresult.CUDA_SUCCESS)
                CudaCall.Throw(result, $"Kernel {kernel} of {Name}");

            // Loads it now, not at the first launch, which may be in a capture or while peers spin.
            int threads;
            CudaCall.Check(CudaDriverNative.cuFuncGetAttribute(&threads, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function));
            return new CudaKernel(this, kernel, function, threads);
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
    }

    public void Dispose() => _module.Dispose();

    private static string Architecture(CudaDevice device) => $"sm_{device.ComputeCapability.Major}{device.ComputeCapability.Minor}";

    private sealed class ModuleHandle : SafeHandle
    {
        private readonly CudaDevice _device;

        internal ModuleHandle(CudaDevice device, nint module)
            : base(0, ownsHandle: true)
        {
            _device = device;
            SetHandle(module);
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            try
            {
                using CudaContextScope scope = _device.MakeCurrent();
                return CudaDriverNative.cuModuleUnload(handle) == CUresult.CUDA_SUCCESS;
            }
            catch (CudaException)
            {
                return false;
            }
        }
    }
}
