using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>Turns the driver's error codes into exceptions.</summary>
internal static class CudaCall
{
    /// <summary><paramref name="call"/> is the text of the expression: "CudaDriverNative.cuMemAlloc_v2(&amp;pointer, bytes)".</summary>
    internal static void Check(CUresult result, [CallerArgumentExpression(nameof(result))] string call = "")
    {
        if (result != CUresult.CUDA_SUCCESS)
            Throw(result, call);
    }

    [DoesNotReturn]
    internal static void Throw(CUresult result, string call) => throw new CudaException($"{call.Replace(nameof(CudaDriverNative) + ".", "", StringComparison.Ordinal)}: {Describe(result)}", result);

    /// <summary>"CUDA_ERROR_OUT_OF_MEMORY (2): out of memory".</summary>
    internal static unsafe string Describe(CUresult result)
    {
        byte* name = null, text = null;
        _ = CudaDriverNative.cuGetErrorName(result, &name);
        _ = CudaDriverNative.cuGetErrorString(result, &text);
        return $"{Marshal.PtrToStringUTF8((nint)name) ?? "unknown error"} ({(int)result}): {Marshal.PtrToStringUTF8((nint)text) ?? "the driver has no text for it"}";
    }
}
