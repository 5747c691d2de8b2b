using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>A group's all-reduces with residual and RMSNorm: by one kernel over peer memory where there is any, else by the group's all-reduce and a kernel behind it.</summary>
/// <param name="group">For messages.</param>
/// <param name="device">The group's.</param>
/// <param name="host">Null: a group of one.</param>
/// <param name="rank">In the group.</param>
/// <param name="worldSize">Of the group.</param>
internal sealed unsafe class RmsNormCalls(string group, IDeviceCommunicator device, IHostCommunicator? host, int rank, int worldSize)
{
    private readonly RoutedDeviceCommunicator? _routed = device as RoutedDeviceCommunicator;
    private readonly RmsNormKernelTable _kernels = new(device.Device, worldSize, device is RoutedDeviceCommunicator);
    private readonly PointerCheck _pointers = new(device.Device);

    /// <summary>Without peer memory; with it the group's launches decide.</summary>
    private readonly bool _mayDepend = device is not RoutedDeviceCommunicator && PeerPlan.MayDepend(device.Device);

    internal AllReduceRmsNormChoice Route(nuint rows, nuint columns, DataType type) => _routed is null
        ? new(AllReduceRmsNormRoute.Separate, worldSize == 1 ? "a group of one has nothing to reduce" : "there is no peer memory")
        : RmsNormRouter.Route(rows, columns, type, _routed.Facts);

    internal void Enqueue(in AllReduceRmsNormOperands operands, nint stream)
    {
        operands.Check();
        if (device.Fault is { } fault)
            throw fault;
        if (operands.Rows == 0)
            return;
        AllReduceRmsNormRoute route = operands.Route is { } asked ? Asked(asked, operands) : Route(operands.Rows, operands.Columns, operands.Type).Route;
        RmsNormArguments arguments = CheckPointers(operands, stream);
        RmsNormKernelSet kernels = _kernels.Find(operands.Type) ?? PrepareNow(operands.Type, stream);
        switch (route)
        {
            case AllReduceRmsNormRoute.OneShot:
                _routed!.AllReduceRmsNorm(route, kernels.OneShot!, in arguments, operands.Type, stream);
                break;
            case AllReduceRmsNormRoute.TwoShot:
                _routed!.AllReduceRmsNorm(route, kernels.TwoShot!, in arguments, operands.Type, stream);
                break;
            default:
                device.AllReduce(operands.Input, operands.Input, operands.Rows * operands.Columns, operands.Type, ReduceOp.Sum, stream);
                Launch(kernels.Separate, RmsNormLaunch.ForSeparate(operands.Rows, operands.Columns, operands.Type, worldSize), in arguments, stream);
                break;
        }
    }

    /// <summary>Collective, see <see cref="GroupCoordinator.PrepareRmsNorm"/>; the steps of <see cref="PeerCommunicator.Prepare"/>, for the same reasons.</summary>
    internal void Prepare(ReadOnlySpan<DataType> types)
    {
        if (device.Fault is { } fault)
            throw fault;
        List<DataType> wanted = [];
        foreach (DataType type in types)
        {
            if (!RmsNormKernelTable.Types.Contains(type))
                throw new NotSupportedException($"AllReduceRmsNorm of {type}: it is made for {string.Join(", ", RmsNormKernelTable.Types)}.");
            if (_kernels.Find(type) is null && !wanted.Contains(type))
                wanted.Add(type);
        }

        if (wanted.Count == 0)
            return;
        Exception? failure = Try(() => _kernels.Compile(wanted, rank, worldSize));

        // Behind it every rank has enqueued whatever a kernel of the group waits for: loading waits for nothing but the device.
        host?.Barrier();
        failure ??= Try(() => wanted.ForEach(_kernels.Load));

        // No rank goes on, and lets its kernels wait, before the last one has loaded.
        int failed = failure is null ? 0 : 1, anyFailed = failed;
        host?.AllReduce((nint)(&failed), (nint)(&anyFailed), 1, DataType.Int32, ReduceOp.Max);
        if (anyFailed != 0)
            throw new NotSupportedException($"Group {group}: the RMSNorm kernels of {string.Join(", ", wanted)} can't be loaded{(failure is null ? " on another rank" : $": {failure.Message}")}", failure);
        wanted.ForEach(_kernels.Allow);
    }

    private static Exception? Try(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception e) when (e is CudaException or KernelCompilationException or NativeLibraryNotFoundException)
        {
            return e;
        }
    }

    private AllReduceRmsNormRoute Asked(AllReduceRmsNormRoute route, in AllReduceRmsNormOperands operands)
    {
        if (route is < AllReduceRmsNormRoute.Separate or > AllReduceRmsNormRoute.TwoShot)
            throw new ArgumentOutOfRangeException(nameof(operands), route, "No such route.");
        string? objection = route == AllReduceRmsNormRoute.Separate ? null
            : _routed is null ? Route(operands.Rows, operands.Columns, operands.Type).Reason
            : RmsNormRouter.Objection(route, operands.Rows, operands.Columns, operands.Type, _routed.Facts);
        return objection is null ? route : throw new NotSupportedException($"{operands} on group {group} can't go by {route}: {objection}.");
    }

    private RmsNormArguments CheckPointers(in AllReduceRmsNormOperands operands, nint stream)
    {
        nuint count = operands.Rows * operands.Columns, matrix = count * (nuint)operands.Type.SizeInBytes();
        nint sum = operands.ResidualOutput == 0 ? operands.Residual : operands.ResidualOutput;
        _pointers.CheckStream(stream);
        _pointers.Check(operands.Input, matrix, operands.Type, stream, nameof(operands.Input));
        _pointers.Check(operands.Residual, matrix, operands.Type, stream, nameof(operands.Residual));
        _pointers.Check(sum, matrix, operands.Type, stream, nameof(operands.ResidualOutput));
        _pointers.Check(operands.Weight, operands.Columns * (nuint)operands.Type.SizeInBytes(), operands.Type, stream, nameof(operands.Weight));
        _pointers.Check(operands.Output, count, operands.Scaling == Float8Scaling.None ? operands.Type : DataType.Float8E4M3, stream, nameof(operands.Output));
        if (operands.Scaling != Float8Scaling.None)
            _pointers.Check(operands.Scale, sizeof(float), DataType.Float32, stream, nameof(operands.Scale));
        return new()
        {
            Input = operands.Input,
            Residual = operands.Residual,
            Weight = operands.Weight,
            Sum = sum,
            Output = operands.Output,
            Scale = operands.Scale,
            Rows = operands.Rows,
            Columns = operands.Columns,
            Epsilon = operands.Epsilon,
            Quantisation = (uint)operands.Scaling,
        };
    }

    private RmsNormKernelSet PrepareNow(DataType type, nint stream)
    {
        using (device.Device.MakeCurrent())
        {
            if (GraphCapture.IsCapturing(stream))
                throw new InvalidOperationException($"An AllReduceRmsNorm of {type} is being captured, and its kernels are not loaded, which a capture does not allow: call {nameof(GroupCoordinator)}.{nameof(GroupCoordinator.PrepareRmsNorm)}([{nameof(DataType)}.{type}]) on every rank before.");
        }

        Prepare([type]);
        return _kernels.Find(type)!;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Launch(CudaKernel kernel, PeerLaunch shape, in RmsNormArguments arguments, nint stream) =>
        kernel.Launch(shape.Blocks, shape.Threads, stream, in arguments, RmsNormLaunch.SharedBytes(1), _routed?.Peer.StartsEarly(shape) ?? _mayDepend);
}
