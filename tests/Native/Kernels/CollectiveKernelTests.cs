using System.Globalization;
using System.Text.RegularExpressions;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>The kernels over peer memory in every variant. COLLECTIVES_TEST_KERNELS=all takes all of them, else a few of each.</summary>
public sealed partial class CollectiveKernelTests
{
    /// <summary>Two blocks of 512 threads fit on a multiprocessor, which DeviceShare counts on.</summary>
    private const int MostRegisters = 64;

    /// <summary>Bytes of registers that the assembler may lack in some variant: 8 ranks' cells in two rings are more than there is room for.</summary>
    private const int MostStack = 32, MostStackOfManyRanks = 160;

    /// <summary>The two-shot with an epilogue holds a cell of each rank's row: at 3 and 4 ranks the 64 registers of 1024 threads are a few short.</summary>
    private const int MostStackOfEpilogue = 64;

    private static readonly bool s_all = Environment.GetEnvironmentVariable("COLLECTIVES_TEST_KERNELS") == "all";
    private static readonly DataType[] s_fewTypes = [DataType.Float32, DataType.BFloat16, DataType.Float8E4M3, DataType.Int8, DataType.Float64];

    public static TheoryData<string, int> KernelsAndSizes() => new(CollectiveKernels.Reducing.SelectMany(name => Enumerable.Range(2, 7).Where(size => s_all || size is 2 or 8).Select(size => (name, size))));

    [Theory]
    [MemberData(nameof(KernelsAndSizes))]
    public void Every_variant_compiles_and_uses_no_local_memory(string name, int worldSize)
    {
        foreach (DataType type in s_all ? PeerKernelVariant.Types : worldSize == 8 ? s_fewTypes : s_fewTypes[..2])
        {
            foreach (ReduceOp op in PeerKernelVariant.Operations.Where(op => s_all || op == ReduceOp.Sum || (worldSize == 8 && type == DataType.BFloat16 && op == ReduceOp.Max)))
            {
                PeerKernelVariant variant = new(name, type, op, worldSize);
                Check(name, variant.Name, variant.Options, worldSize > 4 ? MostStackOfManyRanks : MostStack);
            }
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void So_do_the_kernels_without_elements(int worldSize)
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        Assert.All(CollectiveKernels.Copying.Concat(CollectiveKernels.Synchronizing), name => Check(name, $"{name}_{worldSize}", CollectiveKernels.Options($"{name}_{worldSize}", worldSize), worldSize > 4 ? MostStackOfManyRanks : MostStack));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void So_do_the_kernels_with_an_epilogue(int worldSize)
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        foreach (string type in s_all || worldSize == 2 ? (string[])["Float32", "Float16", "BFloat16"] : ["BFloat16"])
        {
            Assert.All(CollectiveKernels.Fused, name => Check(name, $"{name}_{worldSize}", CollectiveKernels.Options($"{name}_{worldSize}", worldSize, type), MostStackOfEpilogue, int.MaxValue));
            Assert.All(CollectiveKernels.Local, name => Check(name, name, CollectiveKernels.Options(name, 1, type)));
        }
    }

    private static void Check(string source, string kernel, string[] options, int mostStack = MostStack, int mostRegisters = MostRegisters)
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        string ptx = Ptx.Compile(CollectiveKernels.Source(source), "sm_90", out string log, options);

        Assert.Contains($".visible .entry {kernel}(", ptx, StringComparison.Ordinal);
        Assert.False(ptx.Contains(".local", StringComparison.Ordinal), $"{kernel} has local memory: {LocalLine().Match(ptx).Value}");
        MatchCollection stacks = StackFrame().Matches(log);
        Assert.True(stacks.Count > 0, $"{kernel}: the assembler says nothing of stacks: {log}");
        Match used = Registers().Match(log);
        Assert.True(used.Success && int.Parse(used.Groups[1].Value, CultureInfo.InvariantCulture) <= mostRegisters, $"{kernel}: {log}");
        Assert.All(stacks, stack => Assert.True(int.Parse(stack.Groups[1].Value, CultureInfo.InvariantCulture) <= mostStack, $"{kernel}: {stack.Value}"));
    }

    /// <summary>What the assembler can't spare a register for is allowed to older devices, where there are no instructions for fp8.</summary>
    [Fact]
    public void A_variant_of_each_type_compiles_for_the_oldest_device()
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        Assert.All(PeerKernelVariant.Types, type =>
        {
            PeerKernelVariant variant = new(PeerKernelVariant.OneShot, type, ReduceOp.Sum, 4);
            Assert.Contains(".target sm_80", Ptx.Compile(CollectiveKernels.Source(variant.Kernel), "sm_80", out _, variant.Options), StringComparison.Ordinal);
        });
        Assert.All([.. CollectiveKernels.Fused, .. CollectiveKernels.Local, PeerKernelVariant.Registered], name =>
            Assert.Contains(".target sm_80", Ptx.Compile(CollectiveKernels.Source(name), "sm_80", out _, CollectiveKernels.Options(name, 2, "BFloat16", "Sum")), StringComparison.Ordinal));
    }

    [GeneratedRegex("(\\d+) bytes stack frame, \\d+ bytes spill stores, \\d+ bytes spill loads")]
    private static partial Regex StackFrame();

    [GeneratedRegex("Used (\\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(".*\\.local.*")]
    private static partial Regex LocalLine();
}
