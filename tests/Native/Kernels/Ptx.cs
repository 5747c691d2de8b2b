using System.Text;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>What NVRTC makes of a source: PTX, and what the assembler says of it.</summary>
internal static unsafe class Ptx
{
    /// <summary>Without line numbers. <paramref name="log"/> has the assembler's resources of each kernel.</summary>
    internal static string Compile(KernelSource source, string architecture, out string log, params ReadOnlySpan<string> options)
    {
        string[] all = [.. KernelCompiler.DefaultOptions(architecture).Where(option => option != "-lineinfo"), "--ptxas-options=-v", .. options];
        nint created;
        List<nint> texts = [];
        try
        {
            byte** headers = stackalloc byte*[source.Headers.Count], names = stackalloc byte*[source.Headers.Count], arguments = stackalloc byte*[all.Length];
            int index = 0;
            foreach ((string name, string text) in source.Headers)
            {
                names[index] = Text(name);
                headers[index++] = Text(text);
            }

            for (int i = 0; i < all.Length; i++)
                arguments[i] = Text(all[i]);
            Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcCreateProgram(&created, Text(source.Text), Text(source.Name), source.Headers.Count, headers, names));
            nint program = created;
            nvrtcResult result = NvrtcNative.nvrtcCompileProgram(program, all.Length, arguments);
            log = Fetch(program, &NvrtcNative.nvrtcGetProgramLogSize, &NvrtcNative.nvrtcGetProgramLog);
            Assert.True(result == nvrtcResult.NVRTC_SUCCESS, $"{source.Name} {string.Join(' ', options)}: {result}\n{log}");
            string ptx = Fetch(program, &NvrtcNative.nvrtcGetPTXSize, &NvrtcNative.nvrtcGetPTX);
            Assert.Equal(nvrtcResult.NVRTC_SUCCESS, NvrtcNative.nvrtcDestroyProgram(&created));
            return ptx;
        }
        finally
        {
            texts.ForEach(System.Runtime.InteropServices.Marshal.FreeCoTaskMem);
        }

        byte* Text(string text)
        {
            texts.Add(System.Runtime.InteropServices.Marshal.StringToCoTaskMemUTF8(text));
            return (byte*)texts[^1];
        }

        static string Fetch(nint program, delegate*<nint, nuint*, nvrtcResult> size, delegate*<nint, byte*, nvrtcResult> get)
        {
            nuint bytes;
            Assert.Equal(nvrtcResult.NVRTC_SUCCESS, size(program, &bytes));
            byte[] content = new byte[bytes];
            fixed (byte* destination = content)
                Assert.Equal(nvrtcResult.NVRTC_SUCCESS, get(program, destination));
            return Encoding.UTF8.GetString(content).TrimEnd('\0');
        }
    }

    /// <summary>Each kernel's instructions: no comments, no line numbers, no declarations of registers.</summary>
    internal static string Instructions(string ptx)
    {
        StringBuilder text = new();
        foreach (string line in ptx.Split('\n').Select(line => line.Split("//")[0].Trim()))
        {
            if (line.StartsWith(".visible .entry", StringComparison.Ordinal))
                text.Append(text.Length == 0 ? "" : "\n").Append(line[".visible .entry ".Length..].TrimEnd('(')).Append('\n');
            else if (text.Length > 0 && line.Length > 0 && line is not ("(" or ")" or "{" or "}") && !line.StartsWith(".loc", StringComparison.Ordinal) && !line.StartsWith(".reg", StringComparison.Ordinal) && !line.StartsWith(".param", StringComparison.Ordinal))
                text.Append("    ").Append(string.Join(' ', line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))).Append('\n');
        }

        return text.ToString();
    }
}
