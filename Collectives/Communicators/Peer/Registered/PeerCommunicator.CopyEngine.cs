using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>All-reduces into registered memory by copy engines. What each step waits for, and why that is enough, is said in all_reduce_copy_engine.cu.</summary>
public sealed unsafe partial class PeerCommunicator
{
    /// <summary>They are to keep up with the wire, and leave the other multiprocessors to the model.</summary>
    private const int MostReducingBlocks = 32;
    private const int ReducingThreads = 512;

    /// <summary>Of the last kernel: one that ends without its data fills the output.</summary>
    private const int FinishingThreads = 128;

    private void AllReduceByCopyEngine(RegisteredKernelSet? kernels, in HostCall call, nint input, nint output, nint stream)
    {
        nuint bytes = (nuint)call.Count * (nuint)call.Type.SizeInBytes();
        (PeerRegistration registration, CudaKernel kernel) = (RegistrationOf(AllReduceRoute.CopyEngine, call, output, bytes), kernels!.CopyEngine);
        CopyEngineArguments arguments = new()
        {
            View = _view,
            Input = input,
            Output = output,
            Slots = registration.Slots(_setup.Rank),
            SlotBytes = registration.SlotBytes,
            Claim = PeerClaim.Of(call, registration.Id, (nuint)(output - registration.Base)),
        };
        Enqueue(kernel, registration, new CopyEnginePlan(bytes, WorldSize), (nuint)PeerLaunch.DataInCell(call.Type), ref arguments, stream);
    }

    /// <summary>Apart from the try block, as <see cref="Launch"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Enqueue(CudaKernel kernel, PeerRegistration registration, CopyEnginePlan plan, nuint cell, ref CopyEngineArguments arguments, nint stream)
    {
        CudaContextScope scope = Device.MakeCurrent();
        _order.Enter(stream);
        CopyEngineLane lane = CopyEngineLane.CaptureOf(stream) is null ? _eager! : _captured!;
        if (!lane.IsFreeFor(stream))
        {
            scope.Dispose();
            throw new InvalidOperationException($"{_call} on group {_setup.Group} in a capture while another capture of its calls goes on: end that one first, or use a sibling group.");
        }

        arguments.Part = plan.Part / cell;

        // All contributions first: whatever streams share a queue of the device, none of them comes behind a kernel that waits.
        Follow(lane.Contributions, lane.Begun, stream);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            for (int hop = 1; hop < WorldSize; hop++)
            {
                int peer = (_setup.Rank + hop) % WorldSize;
                (nuint begin, nuint end) = plan.Range(peer, piece);
                Copy(registration.Slot(peer, _setup.Rank) + (nint)(begin - ((nuint)peer * plan.Part)), arguments.Input + (nint)begin, end - begin, lane.Contributions);
            }

            Check(CudaDriverNative.cuEventRecord(lane.Contributed(piece).Handle, lane.Contributions), "cuEventRecord");
        }

        nuint own = (nuint)_setup.Rank * plan.Part, offset = (nuint)(arguments.Output - registration.Base);
        bool hasResults = false;
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            Check(CudaDriverNative.cuStreamWaitEvent(stream, lane.Contributed(piece).Handle, 0), "cuStreamWaitEvent");
            (nuint begin, nuint end) = plan.Range(_setup.Rank, piece);
            (arguments.Step, arguments.Piece) = (CopyEngineArguments.Reduce, (uint)piece);
            (arguments.Begin, arguments.End) = begin == end ? (0, 0) : ((begin - own) / cell, (end - own + cell - 1) / cell);
            nuint blocks = (nuint)(arguments.End - arguments.Begin + ReducingThreads - 1) / ReducingThreads;
            kernel.Launch((int)nuint.Clamp(blocks, 1, (nuint)Math.Min(MostReducingBlocks, _setup.MostBlocks)), ReducingThreads, stream, in arguments);
            if (begin == end)
                continue;
            hasResults = true;
            Follow(lane.Results, lane.Reduced(piece), stream);
            for (int hop = 1; hop < WorldSize; hop++)
            {
                int peer = (_setup.Rank + hop) % WorldSize;
                Copy(registration.Slice.Address(peer) + (nint)(offset + begin), arguments.Output + (nint)begin, end - begin, lane.Results);
            }
        }

        if (hasResults)
            Follow(stream, lane.Copied, lane.Results);
        arguments.Step = CopyEngineArguments.Finish;
        kernel.Launch(1, FinishingThreads, stream, in arguments);
        _order.Leave(stream);
        scope.Dispose();
    }

    /// <summary>What comes on the one stream waits for all that is on the other.</summary>
    private static void Follow(nint stream, CudaEvent @event, nint other)
    {
        Check(CudaDriverNative.cuEventRecord(@event.Handle, other), "cuEventRecord");
        Check(CudaDriverNative.cuStreamWaitEvent(stream, @event.Handle, 0), "cuStreamWaitEvent");
    }

    private static void Copy(nint target, nint source, nuint bytes, nint stream)
    {
        if (bytes != 0)
            Check(CudaDriverNative.cuMemcpyDtoDAsync_v2(target, source, bytes, stream), "cuMemcpyDtoDAsync");
    }

    private static void Check(CUresult result, string call)
    {
        if (result != CUresult.CUDA_SUCCESS)
            throw new CudaException($"An all-reduce by copy engines: {call}: {result} ({(int)result}).", result);
    }
}
