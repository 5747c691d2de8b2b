using System.Runtime.CompilerServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>
/// While it lives, a device's primary context is current on this thread; disposing it brings back what was current before. Nothing happens if it was current
/// already. Made by <see cref="CudaDevice.MakeCurrent"/>, also on threads that never touched CUDA.
/// </summary>
public readonly unsafe ref struct CudaContextScope
{
    private readonly nint _previous;
    private readonly bool _changed;

    internal CudaContextScope(nint context)
    {
        nint current;
        CudaCall.Check(CudaDriverNative.cuCtxGetCurrent(&current));
        if (current == context)
            return;
        CudaCall.Check(CudaDriverNative.cuCtxSetCurrent(context));
        _previous = current;
        _changed = true;
    }

    public void Dispose()
    {
        if (_changed)
            Restore(_previous);
    }

    /// <summary>Not inlined into the finally block that a using makes: the JIT would make a stub for the native call there, which allocates, once, in the middle of a run.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Restore(nint context) => _ = CudaDriverNative.cuCtxSetCurrent(context);
}
