using System.Runtime.InteropServices;
using System.Text;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

public sealed unsafe class NvrtcTests
{
    private const string Kernel = """
        template <typename T> __global__ void add(T *out, const T *in, unsigned long long count) {
            unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
            if (i < count) out[i] += in[i];
        }
        """;

    public NvrtcTests() => Libraries.Need(NativeLibraryKind.Nvrtc);

    [Theory]
    [InlineData("sm_80")]
    [InlineData("sm_90")]
    public void A_kernel_compiles_for_an_architecture_that_is_not_here(string architecture)
    {
        Assert.Equal(nvrtcResult.NVRTC_SUCCESS, Compile(Kernel, architecture, "add<float>", out byte[] cubin, out string ptx, out string lowered, out string log));

        Assert.True(cubin.AsSpan().StartsWith("\u007FELF"u8), log);
        Assert.Contains($".target {architecture}", ptx, StringComparison.Ordinal);
        Assert.Contains($".entry {lowered}(", ptx, StringComparison.Ordinal);
    }

    [Fact]
    public void A_faulty_kernel_gives_a_log_that_names_the_line()
    {
        nvrtcResult result = Compile("__global__ void add() { undeclared(); }", "sm_80", null, out _, out _, out _, out string log);

        Assert.Equal(nvrtcResult.NVRTC_ERROR_COMPILATION, result);
        Assert.Contains("add.cu(1): error: identifier \"undeclared\" is undefined", log, StringComparison.Ordinal);
    }

    [Fact]
    public void The_architectures_include_those_that_we_compile_for()
    {
        int count;
        Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcGetNumSupportedArchs(&count));
        int[] architectures = new int[count];
        fixed (int* list = architectures)
            Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcGetSupportedArchs(list));

        Assert.Contains(80, architectures);
        Assert.Contains(90, architectures);
    }

    [Fact]
    public void The_version_is_one_that_we_support()
    {
        int major, minor;
        Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcVersion(&major, &minor));

        Assert.True(major >= 12, $"NVRTC {major}.{minor}");
    }

    private static nvrtcResult Compile(string source, string architecture, string? expression, out byte[] cubin, out string ptx, out string lowered, out string log)
    {
        (cubin, ptx, lowered, log) = ([], "", "", "");
        nint program;
        fixed (byte* text = Text(source), name = Text("add.cu"), option = Text($"--gpu-architecture={architecture}"), kernel = Text(expression ?? ""))
        {
            Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcCreateProgram(&program, text, name, 0, null, null));
            try
            {
                if (expression is not null)
                    Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcAddNameExpression(program, kernel));
                byte* options = option;
                nvrtcResult result = NvrtcNative.nvrtcCompileProgram(program, 1, &options);
                log = Encoding.UTF8.GetString(Fetch(program, &NvrtcNative.nvrtcGetProgramLogSize, &NvrtcNative.nvrtcGetProgramLog));
                if (result == nvrtcResult.NVRTC_SUCCESS)
                {
                    cubin = Fetch(program, &NvrtcNative.nvrtcGetCUBINSize, &NvrtcNative.nvrtcGetCUBIN);
                    ptx = Encoding.UTF8.GetString(Fetch(program, &NvrtcNative.nvrtcGetPTXSize, &NvrtcNative.nvrtcGetPTX));
                    byte* loweredName;
                    Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcGetLoweredName(program, kernel, &loweredName));
                    lowered = Marshal.PtrToStringUTF8((nint)loweredName)!;
                }

                return result;
            }
            finally
            {
                Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcDestroyProgram(&program));
            }
        }
    }

    private static byte[] Fetch(nint program, delegate*<nint, nuint*, nvrtcResult> size, delegate*<nint, byte*, nvrtcResult> get)
    {
        nuint bytes;
        Assert.Equal(nvrtcResult.NVRTC_SUCCESS, size(program, &bytes));
        byte[] content = new byte[bytes];
        fixed (byte* destination = content)
            Assert.Equal(nvrtcResult.NVRTC_SUCCESS, get(program, destination));
        return content;
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text + '\0');
}
