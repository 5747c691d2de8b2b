using System.Runtime.CompilerServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>All-reduces into registered memory by copy engines. What each step waits for, and why that is enough, is said in all_reduce_copy_engine.cu.</summary>
public sealed unsafe partial class PeerCommunicator
{
    /// <summary>They keep up with the wire and leave the other multiprocessors to the model; 16 do not, 64 gain nothing (2 H200s, bfloat16: bench/results/copy-engine-cuts.json).</summary>
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
        arguments.Part = plan.Part / cell;
        if (GraphCapture.IsCapturing(stream))
            Capture(kernel, registration, plan, cell, ref arguments, stream);
        else
            EnqueueNow(kernel, registration, plan, cell, ref arguments, stream);
        _order.Leave(stream);
        scope.Dispose();
    }

    private void EnqueueNow(CudaKernel kernel, PeerRegistration registration, CopyEnginePlan plan, nuint cell, ref CopyEngineArguments arguments, nint stream)
    {
        CopyEngineLane lane = _lane!;

        // All contributions first: whatever streams share a queue of the device, none of them comes behind a kernel of this call that waits.
        Follow(lane.Contributions, lane.Begun, stream);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            CopyContributions(registration, plan, piece, arguments, lane.Contributions);
            Check(CudaDriverNative.cuEventRecord(lane.Contributed(piece).Handle, lane.Contributions), "cuEventRecord");
        }

        bool hasResults = false;
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            Check(CudaDriverNative.cuStreamWaitEvent(stream, lane.Contributed(piece).Handle, 0), "cuStreamWaitEvent");
            if (!Reduce(kernel, plan, piece, cell, ref arguments, stream))
                continue;
            hasResults = true;
            Follow(lane.Results, lane.Reduced(piece), stream);
            CopyResults(registration, plan, piece, arguments, lane.Results);
        }

        if (hasResults)
            Follow(stream, lane.Copied, lane.Results);
        Finish(kernel, ref arguments, stream);
    }

    /// <summary>The same as branches of the graph, without other streams: what the caller's stream holds next is told to hang on the nodes that it has to wait for. So several captures may go on at once.</summary>
    private void Capture(CudaKernel kernel, PeerRegistration registration, CopyEnginePlan plan, nuint cell, ref CopyEngineArguments arguments, nint stream)
    {
        // 0: none. The kernels hang on what the stream held before as well, which the copies do anyway: so the driver takes them for one branch and the copies for others, and no copy waits for a kernel's place.
        nint begun = LastNode(stream);
        nint* contributed = stackalloc nint[CopyEnginePlan.MostPieces];
        for (int piece = 0; piece < plan.Pieces; piece++)
            contributed[piece] = CopyContributions(registration, plan, piece, arguments, stream) ? LastNode(stream) : piece > 0 ? contributed[piece - 1] : 0;
        nint reduced = begun, copied = 0;
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            if (contributed[piece] != 0)
                HangOn(stream, reduced, contributed[piece]);
            else if (reduced != begun)
                HangOn(stream, reduced, 0);
            bool hasResults = Reduce(kernel, plan, piece, cell, ref arguments, stream);
            reduced = LastNode(stream);
            if (!hasResults)
                continue;
            HangOn(stream, copied, reduced);
            CopyResults(registration, plan, piece, arguments, stream);
            copied = LastNode(stream);
        }

        HangOn(stream, reduced, copied);
        Finish(kernel, ref arguments, stream);
    }

    /// <summary>False: the other ranks have no part in this piece.</summary>
    private bool CopyContributions(PeerRegistration registration, CopyEnginePlan plan, int piece, in CopyEngineArguments arguments, nint stream)
    {
        bool any = false;
        for (int hop = 1; hop < WorldSize; hop++)
        {
            int peer = (_setup.Rank + hop) % WorldSize;
            (nuint begin, nuint end) = plan.Range(peer, piece);
            if (begin == end)
                continue;
            Copy(registration.Slot(peer, _setup.Rank) + (nint)(begin - ((nuint)peer * plan.Part)), arguments.Input + (nint)begin, end - begin, stream);
            any = true;
        }

        return any;
    }

    /// <summary>False: this rank has no part in this piece, and no results; it tells and waits all the same.</summary>
    private bool Reduce(CudaKernel kernel, CopyEnginePlan plan, int piece, nuint cell, ref CopyEngineArguments arguments, nint stream)
    {
        (nuint begin, nuint end) = plan.Range(_setup.Rank, piece);
        nuint own = (nuint)_setup.Rank * plan.Part;
        (arguments.Step, arguments.Piece) = (CopyEngineArguments.Reduce, (uint)piece);
        (arguments.Begin, arguments.End) = begin == end ? (0, 0) : ((begin - own) / cell, (end - own + cell - 1) / cell);
        nuint blocks = (nuint)(arguments.End - arguments.Begin + ReducingThreads - 1) / ReducingThreads;
        kernel.Launch((int)nuint.Clamp(blocks, 1, (nuint)Math.Min(MostReducingBlocks, _setup.MostBlocks)), ReducingThreads, stream, in arguments);
        return begin != end;
    }

    private void CopyResults(PeerRegistration registration, CopyEnginePlan plan, int piece, in CopyEngineArguments arguments, nint stream)
    {
        (nuint begin, nuint end) = plan.Range(_setup.Rank, piece);
        nuint offset = (nuint)(arguments.Output - registration.Base);
        for (int hop = 1; hop < WorldSize; hop++)
            Copy(registration.Slice.Address((_setup.Rank + hop) % WorldSize) + (nint)(offset + begin), arguments.Output + (nint)begin, end - begin, stream);
    }

    private void Finish(CudaKernel kernel, ref CopyEngineArguments arguments, nint stream)
    {
        arguments.Step = CopyEngineArguments.Finish;
        _share.Take(1, FinishingThreads);
        kernel.Launch(1, FinishingThreads, stream, in arguments);
    }

    /// <summary>What comes on the one stream waits for all that is on the other.</summary>
    private static void Follow(nint stream, CudaEvent @event, nint other)
    {
        Check(CudaDriverNative.cuEventRecord(@event.Handle, other), "cuEventRecord");
        Check(CudaDriverNative.cuStreamWaitEvent(stream, @event.Handle, 0), "cuStreamWaitEvent");
    }

    /// <summary>What was captured last on the stream, or one of what it waits for; 0: nothing.</summary>
    private static nint LastNode(nint stream)
    {
        CUstreamCaptureStatus status;
        nint* nodes;
        nuint count;
        Check(CudaDriverNative.cuStreamGetCaptureInfo_v2(stream, &status, null, null, &nodes, &count), "cuStreamGetCaptureInfo");
        return count > 0 ? nodes[count - 1] : 0;
    }

    /// <summary>What is captured next on the stream hangs on these nodes alone.</summary>
    private static void HangOn(nint stream, nint one, nint other)
    {
        nint* nodes = stackalloc nint[2];
        nuint count = 0;
        if (one != 0)
            nodes[count++] = one;
        if (other != 0)
            nodes[count++] = other;
        Check(CudaDriverNative.cuStreamUpdateCaptureDependencies(stream, nodes, count, (uint)CUstreamUpdateCaptureDependencies_flags.CU_STREAM_SET_CAPTURE_DEPENDENCIES), "cuStreamUpdateCaptureDependencies");
    }

    private static void Copy(nint target, nint source, nuint bytes, nint stream) => Check(CudaDriverNative.cuMemcpyDtoDAsync_v2(target, source, bytes, stream), "cuMemcpyDtoDAsync");

    private static void Check(CUresult result, string call)
    {
        if (result != CUresult.CUDA_SUCCESS)
            throw new CudaException($"An all-reduce by copy engines: {call}: {result} ({(int)result}).", result);
    }
}
