using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>The structs that host and kernels share are written twice: NVRTC compares them.</summary>
public sealed class PeerLayoutTests
{
    [Fact]
    public void The_twins_of_the_kernels_structs_have_their_layout()
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        KernelSource source = CollectiveKernels.Source("all_reduce_one_shot");
        string[] claims =
        [
            Size<PeerView>("View"),
            Offset<PeerView>("View", "slice", nameof(PeerView.Slices)),
            Offset<PeerView>("View", "abort", nameof(PeerView.Abort)),
            Offset<PeerView>("View", "fault", nameof(PeerView.Fault)),
            Offset<PeerView>("View", "patience", nameof(PeerView.Patience)),
            Offset<PeerView>("View", "half_bytes", nameof(PeerView.HalfBytes)),
            Offset<PeerView>("View", "rank", nameof(PeerView.Rank)),
            Size<PeerFault>("Fault"),
            Offset<PeerFault>("Fault", "reason", nameof(PeerFault.Reason)),
            Offset<PeerFault>("Fault", "missing", nameof(PeerFault.Missing)),
            Offset<PeerFault>("Fault", "epoch", nameof(PeerFault.Epoch)),
            Offset<PeerFault>("Fault", "claim", nameof(PeerFault.Claim)),
            Offset<PeerFault>("Fault", "own", nameof(PeerFault.Own)),
            Size<PeerClaim>("Claim"),
            Offset<PeerClaim>("Claim", "what", nameof(PeerClaim.What)),
            Offset<PeerClaim>("Claim", "count", nameof(PeerClaim.Count)),
            Size<AllReduceArguments>("AllReduce"),
            Offset<AllReduceArguments>("AllReduce", "view", nameof(AllReduceArguments.View)),
            Offset<AllReduceArguments>("AllReduce", "input", nameof(AllReduceArguments.Input)),
            Offset<AllReduceArguments>("AllReduce", "output", nameof(AllReduceArguments.Output)),
            Offset<AllReduceArguments>("AllReduce", "count", nameof(AllReduceArguments.Count)),
            $"CONTROL_BYTES == {PeerView.ControlBytes}",
            $"sizeof(Control) <= {PeerView.ControlBytes}",
            $"__INTADDR__(&((Control *)0)->left) == {PeerView.LeftInControl}",
            $"MAX_BLOCKS == {PeerLaunch.MostBlocks}",
            $"MAX_RANKS == {PeerKernelVariant.MaxRanks}",
            $"ABORTED == {PeerFault.Aborted} && TIMED_OUT == {PeerFault.TimedOut} && DISAGREED == {PeerFault.Disagreed}",
        ];
        Compile(source, claims);
    }

    [Fact]
    public void So_have_those_of_the_kernels_with_an_epilogue()
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        string[] claims =
        [
            Size<RmsNormArguments>("RmsNorm"),
            Offset<RmsNormArguments>("RmsNorm", "input", nameof(RmsNormArguments.Input)),
            Offset<RmsNormArguments>("RmsNorm", "residual", nameof(RmsNormArguments.Residual)),
            Offset<RmsNormArguments>("RmsNorm", "weight", nameof(RmsNormArguments.Weight)),
            Offset<RmsNormArguments>("RmsNorm", "sum", nameof(RmsNormArguments.Sum)),
            Offset<RmsNormArguments>("RmsNorm", "output", nameof(RmsNormArguments.Output)),
            Offset<RmsNormArguments>("RmsNorm", "scale", nameof(RmsNormArguments.Scale)),
            Offset<RmsNormArguments>("RmsNorm", "rows", nameof(RmsNormArguments.Rows)),
            Offset<RmsNormArguments>("RmsNorm", "columns", nameof(RmsNormArguments.Columns)),
            Offset<RmsNormArguments>("RmsNorm", "epsilon", nameof(RmsNormArguments.Epsilon)),
            Offset<RmsNormArguments>("RmsNorm", "quantisation", nameof(RmsNormArguments.Quantisation)),
            Size<AllReduceRmsNormArguments>("AllReduceRmsNorm"),
            Offset<AllReduceRmsNormArguments>("AllReduceRmsNorm", "norm", nameof(AllReduceRmsNormArguments.Norm)),
            $"NOT_QUANTISED == {(int)Float8Scaling.None} && BY_GIVEN_SCALE == {(int)Float8Scaling.Static} && BY_ROW_SCALE == {(int)Float8Scaling.PerToken}",
            $"BLOCK_WORDS == {RmsNormLaunch.BlockWords} && CLUSTER_WORDS == {RmsNormLaunch.ClusterWords}",
        ];
        Compile(CollectiveKernels.Source("all_reduce_rms_norm_one_shot"), claims);
    }

    [Fact]
    public void So_has_that_of_the_copy_engines_kernel()
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        string[] claims =
        [
            Size<CopyEngineArguments>("CopyEngine"),
            Offset<CopyEngineArguments>("CopyEngine", "input", nameof(CopyEngineArguments.Input)),
            Offset<CopyEngineArguments>("CopyEngine", "output", nameof(CopyEngineArguments.Output)),
            Offset<CopyEngineArguments>("CopyEngine", "slots", nameof(CopyEngineArguments.Slots)),
            Offset<CopyEngineArguments>("CopyEngine", "slot_bytes", nameof(CopyEngineArguments.SlotBytes)),
            Offset<CopyEngineArguments>("CopyEngine", "claim", nameof(CopyEngineArguments.Claim)),
            Offset<CopyEngineArguments>("CopyEngine", "part", nameof(CopyEngineArguments.Part)),
            Offset<CopyEngineArguments>("CopyEngine", "begin", nameof(CopyEngineArguments.Begin)),
            Offset<CopyEngineArguments>("CopyEngine", "end", nameof(CopyEngineArguments.End)),
            Offset<CopyEngineArguments>("CopyEngine", "step", nameof(CopyEngineArguments.Step)),
            Offset<CopyEngineArguments>("CopyEngine", "piece", nameof(CopyEngineArguments.Piece)),
            $"REDUCE == {CopyEngineArguments.Reduce} && FINISH == {CopyEngineArguments.Finish}",
        ];
        Compile(CollectiveKernels.Source("all_reduce_copy_engine"), claims);
    }

    [Fact]
    public void So_has_that_of_the_kernel_for_registered_memory()
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        string[] claims =
        [
            Size<RegisteredArguments>("RegisteredAllReduce"),
            Offset<RegisteredArguments>("RegisteredAllReduce", "input", nameof(RegisteredArguments.Input)),
            Offset<RegisteredArguments>("RegisteredAllReduce", "output", nameof(RegisteredArguments.Outputs)),
            Offset<RegisteredArguments>("RegisteredAllReduce", "claim", nameof(RegisteredArguments.Claim)),
        ];
        Compile(CollectiveKernels.Source("all_reduce_registered"), claims);
    }

    private static void Compile(KernelSource source, string[] claims)
    {
        string text = source.Text + string.Concat(claims.Select(claim => $"\nstatic_assert({claim}, \"{claim}\");"));
        Ptx.Compile(new KernelSource("layout.cu", text, source.Headers), "sm_90", out _, CollectiveKernels.Options("layout", 2, "Float32", "Sum"));
    }

    private static string Size<T>(string type)
        where T : unmanaged
        => $"sizeof({type}) == {Unsafe.SizeOf<T>()}";

    /// <summary>NVRTC has no offsetof; this is what its front end makes one of.</summary>
    private static string Offset<T>(string type, string field, string twin) => $"__INTADDR__(&(({type} *)0)->{field}) == {Marshal.OffsetOf<T>(twin)}";
}
