using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

public sealed partial class GroupCoordinator
{
    private RmsNormCalls? _rmsNorm;

    /// <summary>
    /// What ends each half of a transformer layer in a tensor-parallel group, in one kernel where the group has peer memory: residual = (sum of all ranks' inputs) + residual; output = residual / sqrt(mean(residual²) + epsilon) ×
    /// weight, row by row. Rows are as long as <paramref name="weight"/>, the matrices are <paramref name="input"/>.Length / weight.Length rows. Collective, enqueued on <paramref name="stream"/>.
    /// </summary>
    /// <param name="input">This rank's part of the sum; undefined afterwards.</param>
    /// <param name="residual">The same on every rank; the sum takes its place.</param>
    /// <param name="weight">The same on every rank.</param>
    /// <param name="output">May be <paramref name="input"/>; nothing else overlaps.</param>
    /// <param name="epsilon">0 or more, the same on every rank.</param>
    /// <param name="stream">A CUstream of this rank's device.</param>
    /// <remarks>
    /// float32, float16 and bfloat16. The sum over the ranks is rounded to the type, residual added and rounded again; squares are summed in float32 in an order that the row's length decides; the output is rounded once. So every
    /// route gives the same bits whose all-reduce goes in rank order. May be captured once <see cref="PrepareRmsNorm"/> has been called, or a call of this type been made. Allocates nothing on the host.
    /// </remarks>
    /// <exception cref="NotSupportedException">Another type, or the group has no way between its ranks' GPUs.</exception>
    /// <exception cref="InvalidOperationException">The stream is captured and the kernels are not loaded.</exception>
    /// <exception cref="CollectiveException">The group is faulted.</exception>
    public void AllReduceRmsNorm<T>(DeviceSpan<T> input, DeviceSpan<T> residual, DeviceSpan<T> weight, DeviceSpan<T> output, float epsilon, nint stream)
        where T : unmanaged
    {
        AllReduceRmsNormOperands operands = Operands(input, residual, weight, output.Length, epsilon) with { Output = output.Pointer };
        AllReduceRmsNorm(in operands, stream);
    }

    /// <summary>As the other, with the output quantised to e4m3.</summary>
    /// <param name="input">This rank's part of the sum; undefined afterwards.</param>
    /// <param name="residual">The same on every rank; the sum takes its place.</param>
    /// <param name="weight">The same on every rank.</param>
    /// <param name="output">As many elements as <paramref name="input"/>; overlaps nothing.</param>
    /// <param name="scale">By <paramref name="scaling"/>: one number that is read, or one a row that is written. What the output has to be multiplied by.</param>
    /// <param name="scaling"><see cref="Float8Scaling.Static"/> or <see cref="Float8Scaling.PerToken"/>.</param>
    /// <param name="epsilon">0 or more, the same on every rank.</param>
    /// <param name="stream">A CUstream of this rank's device.</param>
    public void AllReduceRmsNorm<T>(DeviceSpan<T> input, DeviceSpan<T> residual, DeviceSpan<T> weight, DeviceSpan<Float8E4M3> output, DeviceSpan<float> scale, Float8Scaling scaling, float epsilon, nint stream)
        where T : unmanaged
    {
        if (scaling == Float8Scaling.None)
            throw new ArgumentOutOfRangeException(nameof(scaling), scaling, "An output of e4m3 has a scale.");
        AllReduceRmsNormOperands operands = Operands(input, residual, weight, output.Length, epsilon) with { Output = output.Pointer, Scale = scale.Pointer, Scaling = scaling };
        nuint scales = scaling == Float8Scaling.PerToken ? operands.Rows : 1;
        if (scale.Length != scales)
            throw new ArgumentException($"AllReduceRmsNorm: {scale.Length} scales; {scaling} takes {scales}.", nameof(scale));
        AllReduceRmsNorm(in operands, stream);
    }

    /// <summary>As the others, by pointers, with the sum in another place than the residual if wanted, and on a chosen route.</summary>
    public void AllReduceRmsNorm(in AllReduceRmsNormOperands operands, nint stream) => RmsNormOn(nameof(AllReduceRmsNorm)).Enqueue(in operands, stream);

    /// <summary>The way that such a call takes, and why: the same on every rank. One-shot and two-shot are forced as for all-reduces; other forced routes are those of a separate all-reduce.</summary>
    public AllReduceRmsNormChoice RouteRmsNorm(nuint rows, nuint columns, DataType type)
    {
        ArgumentOutOfRangeException.ThrowIfZero(columns);
        return RmsNormOn(nameof(RouteRmsNorm)).Route(rows, columns, type);
    }

    /// <summary>
    /// Makes ready what <see cref="AllReduceRmsNorm(in AllReduceRmsNormOperands, nint)"/> of these types needs, so that it can be captured and the first call does not wait for other ranks on the host. Collective, under the
    /// conditions of <see cref="Prepare"/>; the all-reduce of the same types is not part of it, and ready from the start.
    /// </summary>
    /// <exception cref="NotSupportedException">Another type than float32, float16 and bfloat16; or a kernel could not be loaded, on all ranks alike.</exception>
    public void PrepareRmsNorm(params ReadOnlySpan<DataType> types) => RmsNormOn(nameof(PrepareRmsNorm)).Prepare(types);

    private RmsNormCalls RmsNormOn(string call)
    {
        IDeviceCommunicator device = OnDevice(call);
        return _rmsNorm ??= new RmsNormCalls(Name, device, _host, RankInGroup, WorldSize);
    }

    private static AllReduceRmsNormOperands Operands<T>(DeviceSpan<T> input, DeviceSpan<T> residual, DeviceSpan<T> weight, nuint output, float epsilon)
        where T : unmanaged
    {
        if (weight.Length == 0 || input.Length % weight.Length != 0 || residual.Length != input.Length || output != input.Length)
            throw new ArgumentException($"AllReduceRmsNorm of {input.Length} elements with a residual of {residual.Length} into {output}, in rows as long as the weight, {weight.Length}: the first three are equal, and a multiple of the last.");
        return new()
        {
            Input = input.Pointer,
            Residual = residual.Pointer,
            Weight = weight.Pointer,
            Output = 0,
            Rows = input.Length / weight.Length,
            Columns = weight.Length,
            Type = DataTypeExtensions.Of<T>(),
            Epsilon = epsilon,
        };
    }
}
