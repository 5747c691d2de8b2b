using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>All-reduce with residual and RMSNorm: right on every route and of any shape, and the same bits on each; eager, replayed, and among all-reduces.</summary>
public sealed class RmsNormTests
{
    /// <summary>The last ones are spread over clusters of blocks where there are any and the device has the multiprocessors: 16-bit rows of 640 cells by 4, longer ones by 8.</summary>
    private static readonly (int Rows, int Columns)[] s_shapes = [(1, 1), (1, 8), (1, 64), (3, 7), (2, 257), (5, 96), (7, 33), (9, 8), (4, 1000), (13, 16), (2, 5117), (1, 8192)];

    public static MatrixTheoryData<DataType, int> TypesAndSizes => new([DataType.Float32, DataType.Float16, DataType.BFloat16], [.. DeviceWorld.Sizes.Select(row => row.Data)]);

    [Theory]
    [MemberData(nameof(TypesAndSizes))]
    public void Every_route_gives_the_same_right_bits_eager_and_replayed(DataType type, int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        switch (type)
        {
            case DataType.Float32: Check<float>(rank); break;
            case DataType.Float16: Check<Half>(rank); break;
            default: Check<BFloat16>(rank); break;
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void Calls_follow_all_reduces_of_other_sizes_and_routes(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        Random random = new(World.Seed);
        rank.Group.PrepareRmsNorm(DataType.BFloat16);
        List<PeerCall> reductions = [];
        List<RmsNormCase> cases = [];
        for (int call = 0; call < (rank.IsBrief ? 10 : 40); call++)
        {
            reductions.Add(new PeerCall(PeerGroup.AnyRoute(random), ReduceOp.Sum, random.Next(1, 3000), InPlace: false, random.Next(8), random.Next(8), random.Next()));
            // One in eight is spread over a cluster of blocks, by the one-shot.
            (int rows, int columns) = random.Next(8) == 0 ? (random.Next(1, 3), 4096 + random.Next(2) * 4096) : (random.Next(1, 12), random.Next(1, 300));
            cases.Add(new RmsNormCase(AnyRoute(random), rows, columns, AnyScaling(random), InPlace: false, random.Next(2) == 0, random.Next(8), random.Next()));
        }

        using PeerCalls<BFloat16> all = new(rank, reductions);
        using RmsNormCases<BFloat16> norms = new(rank, cases);
        all.Load(0);
        norms.Load(0);
        rank.Meet();
        using (CudaGraph graph = rank.Capture(Enqueue))
        using (CudaGraphExec exec = graph.Instantiate())
        {
            for (int round = 0; round < 4; round++)
            {
                rank.Meet();
                all.Load(round);
                norms.Load(round);
                rank.Meet();
                if (round % 2 == 0)
                    Enqueue();
                else
                    exec.Launch(rank.Stream);
                rank.Meet();
                all.Check(round);
                norms.Check(round);
            }
        }

        rank.Meet();

        void Enqueue()
        {
            for (int call = 0; call < cases.Count; call++)
            {
                all.Enqueue(call, rank.Stream);
                norms.Enqueue(call, rank.Stream);
            }
        }
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void The_overloads_with_spans_take_the_rows_from_the_weight(int ranks) => DeviceWorld.Run(ranks, rank =>
    {
        const int Rows = 3, Columns = 16;
        rank.Group.PrepareRmsNorm(DataType.Float32);
        using DeviceBuffer<float> input = rank.Buffer<float>([.. Enumerable.Repeat(1f, Rows * Columns)]), residual = rank.Buffer<float>([.. Enumerable.Repeat(2f, Rows * Columns)]);
        using DeviceBuffer<float> weight = rank.Buffer<float>([.. Enumerable.Repeat(3f, Columns)]), scale = rank.Device.Allocate<float>(Rows);
        using DeviceBuffer<Float8E4M3> quantised = rank.Device.Allocate<Float8E4M3>(Rows * Columns);
        rank.Meet();
        rank.Group.AllReduceRmsNorm(input.Span, residual.Span, weight.Span, input.Span, 0, rank.Stream);
        rank.Meet();
        Assert.All(residual.ToArray(), sum => Assert.Equal(rank.Size + 2f, sum));
        Assert.All(input.ToArray(), y => Assert.Equal(3, y, 1e-5));
        rank.Meet();
        rank.Group.AllReduceRmsNorm(input.Span, residual.Span, weight.Span, quantised.Span, scale.Span, Float8Scaling.PerToken, 0, rank.Stream);
        rank.Meet();
        Assert.All(quantised.ToArray(), y => Assert.Equal(448, (float)y));
        Assert.All(scale.ToArray(), found => Assert.Equal(3.0 / 448, found, 1e-5));

        Assert.Throws<ArgumentException>(() => rank.Group.AllReduceRmsNorm(input.Span, residual.Span, weight.Span.Slice(0, 5), input.Span, 0, rank.Stream));
        Assert.Throws<ArgumentException>(() => rank.Group.AllReduceRmsNorm(input.Span, residual.Span, weight.Span, residual.Span, 0, rank.Stream));
        Assert.Throws<ArgumentException>(() => rank.Group.AllReduceRmsNorm(input.Span, residual.Span, weight.Span, quantised.Span, scale.Span, Float8Scaling.Static, 0, rank.Stream));
        Assert.Throws<ArgumentOutOfRangeException>(() => rank.Group.AllReduceRmsNorm(input.Span, residual.Span, weight.Span, input.Span, -1, rank.Stream));
        Assert.Throws<NotSupportedException>(() => rank.Group.PrepareRmsNorm(DataType.Float64));
        rank.Meet();
    });

    [Theory]
    [MemberData(nameof(DeviceWorld.FewSizes), MemberType = typeof(DeviceWorld))]
    public void The_route_follows_from_the_size_and_a_new_group_must_prepare_before_it_captures(int ranks) => PeerGroup.Run(ranks, rank =>
    {
        Assert.Equal(AllReduceRmsNormRoute.OneShot, rank.Group.RouteRmsNorm(1, 8192, DataType.BFloat16).Route);
        Assert.Equal(rank.Size == 2 ? AllReduceRmsNormRoute.OneShot : AllReduceRmsNormRoute.TwoShot, rank.Group.RouteRmsNorm(128, 8192, DataType.BFloat16).Route);
        Assert.Equal(AllReduceRmsNormRoute.TwoShot, rank.Group.RouteRmsNorm(192, 8192, DataType.BFloat16).Route);
        Assert.Equal(AllReduceRmsNormRoute.Separate, rank.Group.RouteRmsNorm(4096, 8192, DataType.BFloat16).Route);
        GroupCoordinator fresh = PeerGroup.New(rank);
        using DeviceBuffer<float> memory = rank.Device.Allocate<float>(64);
        using CudaStream stream = rank.NewStream();
        using (GraphCapture capture = stream.BeginCapture())
        {
            InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => fresh.AllReduceRmsNorm(memory.Span.Slice(0, 16), memory.Span.Slice(16, 16), memory.Span.Slice(32, 16), memory.Span.Slice(0, 16), 1, stream));
            Assert.Contains(nameof(GroupCoordinator.PrepareRmsNorm), refused.Message, StringComparison.Ordinal);
            using CudaGraph graph = capture.End();
            Assert.Equal(0, graph.NodeCount);
        }

        Assert.Throws<NotSupportedException>(() => fresh.AllReduceRmsNorm(Huge(memory) with { Route = AllReduceRmsNormRoute.OneShot }, rank.Stream));
        rank.Meet();
        PeerGroup.Dispose(fresh);
    });

    /// <summary>More than any half holds; nothing of it is touched.</summary>
    private static AllReduceRmsNormOperands Huge(DeviceBuffer<float> memory) => new()
    {
        Input = memory.Pointer,
        Residual = memory.Pointer + unchecked((nint)(1L << 34)),
        Weight = memory.Pointer + unchecked((nint)(1L << 35)),
        Output = memory.Pointer,
        Rows = 1 << 16,
        Columns = 1 << 14,
        Type = DataType.Float32,
        Epsilon = 1,
    };

    private static void Check<T>(DeviceRank rank)
        where T : unmanaged
    {
        Random random = new(World.Seed);
        rank.Group.PrepareRmsNorm(DataTypeExtensions.Of<T>());
        AllReduceRmsNormRoute?[] routes = rank.Group.PeerObjection is null && rank.Size > 1 ? [AllReduceRmsNormRoute.OneShot, AllReduceRmsNormRoute.TwoShot, AllReduceRmsNormRoute.Separate, null] : [null];
        List<RmsNormCase> cases = [];
        foreach ((int rows, int columns) in rank.IsBrief ? s_shapes[..6] : s_shapes)
        {
            Float8Scaling scaling = (Float8Scaling)(cases.Count / routes.Length % 3);
            int seed = random.Next(), offset = cases.Count % 2 == 0 ? 0 : random.Next(16);
            foreach (AllReduceRmsNormRoute? route in routes)
                cases.Add(new RmsNormCase(route, rows, columns, scaling, scaling == Float8Scaling.None && random.Next(2) == 0, random.Next(2) == 0, route is null ? 0 : offset, seed));
        }

        using RmsNormCases<T> all = new(rank, cases);
        PeerGroup.EagerAndReplayed(rank, all.EnqueueAll, all.Load, all.Check);

        rank.Meet();
    }

    internal static AllReduceRmsNormRoute? AnyRoute(Random random) => random.Next(4) is var choice and < 3 ? (AllReduceRmsNormRoute)choice : null;

    internal static Float8Scaling AnyScaling(Random random) => (Float8Scaling)random.Next(3);
}
