using System.Runtime.InteropServices;
using System.Text;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Cuda;

/// <summary>CUDA C++ to cubin, by NVRTC. Needs no GPU.</summary>
public static unsafe class KernelCompiler
{
    /// <summary>"12.4". Throws <see cref="NativeLibraryNotFoundException"/> without NVRTC.</summary>
    public static string Version
    {
        get
        {
            int major, minor;
            Check(NvrtcNative.nvrtcVersion(&major, &minor), "nvrtcVersion");
            return $"{major}.{minor}";
        }
    }

    /// <summary>What a compilation for this architecture is given, in this order, before the caller's own options.</summary>
    public static IReadOnlyList<string> DefaultOptions(string architecture) => [$"--gpu-architecture={architecture}", "--std=c++17", "--device-as-default-execution-space", "-lineinfo"];

    /// <param name="source">What to compile.</param>
    /// <param name="architecture">"sm_80", "sm_90a": a real one, so that the result is a cubin.</param>
    /// <param name="options">More options of NVRTC.</param>
    /// <exception cref="KernelCompilationException">With the compiler's log.</exception>
    public static byte[] Compile(KernelSource source, string architecture, params ReadOnlySpan<string> options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(architecture);
        using NativeTexts headers = new([.. source.Headers.Values]), names = new([.. source.Headers.Keys]);
        using NativeTexts all = new([.. DefaultOptions(architecture), .. options]);
        nint program = 0;
        byte[] text = Encoding.UTF8.GetBytes(source.Text + '\0'), name = Encoding.UTF8.GetBytes(source.Name + '\0');
        fixed (byte* first = text, file = name)
            Check(NvrtcNative.nvrtcCreateProgram(&program, first, file, source.Headers.Count, headers.Pointers, names.Pointers), "nvrtcCreateProgram");
        try
        {
            nvrtcResult result = NvrtcNative.nvrtcCompileProgram(program, all.Count, all.Pointers);
            if (result != nvrtcResult.NVRTC_SUCCESS)
                throw new KernelCompilationException($"{source.Name} for {architecture}, NVRTC {Version}: {Describe(result)}{Environment.NewLine}{Log(program)}");
            nuint size;
            Check(NvrtcNative.nvrtcGetCUBINSize(program, &size), "nvrtcGetCUBINSize");
            byte[] cubin = new byte[size];
            fixed (byte* target = cubin)
                Check(NvrtcNative.nvrtcGetCUBIN(program, target), "nvrtcGetCUBIN");
            return cubin;
        }
        finally
        {
            _ = NvrtcNative.nvrtcDestroyProgram(&program);
        }
    }

    private static string Log(nint program)
    {
        nuint size;
        if (NvrtcNative.nvrtcGetProgramLogSize(program, &size) != nvrtcResult.NVRTC_SUCCESS || size == 0)
            return "";
        byte[] log = new byte[size];
        fixed (byte* target = log)
            _ = NvrtcNative.nvrtcGetProgramLog(program, target);
        return Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
    }

    private static void Check(nvrtcResult result, string call)
    {
        if (result != nvrtcResult.NVRTC_SUCCESS)
            throw new KernelCompilationException($"{call}: {Describe(result)}");
    }

    private static string Describe(nvrtcResult result) => $"{Marshal.PtrToStringUTF8((nint)NvrtcNative.nvrtcGetErrorString(result))} ({(int)result})";

    private sealed class NativeTexts : IDisposable
    {
        private readonly nint[] _texts;

        internal NativeTexts(string[] texts)
        {
            _texts = [.. texts.Select(Marshal.StringToCoTaskMemUTF8)];
            Pointers = (byte**)NativeMemory.Alloc((nuint)Math.Max(texts.Length, 1), (nuint)sizeof(nint));
            for (int i = 0; i < texts.Length; i++)
                Pointers[i] = (byte*)_texts[i];
        }

        internal int Count => _texts.Length;

        internal byte** Pointers { get; }

        public void Dispose()
        {
            foreach (nint text in _texts)
                Marshal.FreeCoTaskMem(text);
            NativeMemory.Free(Pointers);
        }
    }
}
