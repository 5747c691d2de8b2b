using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>What only copies: one kernel, told how many bytes each rank has for each.</summary>
public sealed unsafe partial class PeerCommunicator
{
    private const string ExchangeKernel = "exchange";
    private const int DataInPair = PeerLaunch.CellBytes / 2;

    private CudaKernel? _exchangeKernel;

    public void Broadcast(nint buffer, nuint count, DataType type, int root, nint stream)
    {
        nuint bytes = count * (nuint)type.SizeInBytes();
        ExchangeArguments parts = default;
        for (int rank = 0; rank < WorldSize; rank++)
        {
            if (rank != _setup.Rank)
                parts.SendBytes[rank] = _setup.Rank == root ? bytes : 0;
        }

        if (_setup.Rank != root)
            parts.ReceiveBytes[root] = bytes;
        Exchange(new(CollectiveKind.Broadcast, type, default, root, (long)count), buffer, bytes, buffer, bytes, bytes, ref parts, stream);
    }

    public void AllGather(nint input, nint output, nuint count, DataType type, nint stream)
    {
        Span<nuint> counts = stackalloc nuint[WorldSize];
        counts.Fill(count);
        AllGather(new(CollectiveKind.AllGather, type, default, 0, (long)count), input, output, counts, stream);
    }

    public void AllGatherV(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, nint stream)
    {
        CheckCounts(nameof(AllGatherV), counts);
        AllGather(HostCall.WithCounts(CollectiveKind.AllGather, type, default, counts), input, output, counts, stream);
    }

    public void Gather(nint input, nint output, nuint count, DataType type, int root, nint stream)
    {
        nuint bytes = count * (nuint)type.SizeInBytes();
        ExchangeArguments parts = default;
        parts.SendBytes[root] = bytes;
        for (int rank = 0; _setup.Rank == root && rank < WorldSize; rank++)
            (parts.ReceiveOffset[rank], parts.ReceiveBytes[rank]) = ((nuint)rank * bytes, bytes);
        Exchange(new(CollectiveKind.Gather, type, default, root, (long)count), input, bytes, output, _setup.Rank == root ? bytes * (nuint)WorldSize : 0, bytes, ref parts, stream);
    }

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, nint stream)
    {
        nuint bytes = count * (nuint)type.SizeInBytes();
        ExchangeArguments parts = default;
        parts.ReceiveBytes[root] = bytes;
        for (int rank = 0; _setup.Rank == root && rank < WorldSize; rank++)
            (parts.SendOffset[rank], parts.SendBytes[rank]) = ((nuint)rank * bytes, bytes);
        Exchange(new(CollectiveKind.Scatter, type, default, root, (long)count), input, _setup.Rank == root ? bytes * (nuint)WorldSize : 0, output, bytes, bytes, ref parts, stream);
    }

    public void AllToAll(nint input, nint output, nuint count, DataType type, nint stream)
    {
        nuint bytes = count * (nuint)type.SizeInBytes();
        ExchangeArguments parts = default;
        for (int rank = 0; rank < WorldSize; rank++)
        {
            parts.SendOffset[rank] = parts.ReceiveOffset[rank] = (nuint)rank * bytes;
            parts.SendBytes[rank] = parts.ReceiveBytes[rank] = bytes;
        }

        Exchange(new(CollectiveKind.AllToAll, type, default, 0, (long)count), input, bytes * (nuint)WorldSize, output, bytes * (nuint)WorldSize, bytes, ref parts, stream);
    }

    /// <summary>Not here: what decides on the number of launches must be known to all ranks, and a rank knows its own lengths alone.</summary>
    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, nint stream) => throw No(nameof(AllToAllV));

    public void Send(nint buffer, nuint count, DataType type, int destination, nint stream) => throw No(nameof(Send));

    public void Receive(nint buffer, nuint count, DataType type, int source, nint stream) => throw No(nameof(Receive));

    public RegisteredBuffer Register(nint pointer, nuint bytes, RegistrationKind kind) => throw No(nameof(Register));

    public PremultipliedSum CreatePremultipliedSum(void* scalar, DataType type) => throw No(nameof(CreatePremultipliedSum));

    /// <summary>Calls are launched as they come: nothing is gained by collecting them.</summary>
    public void BeginBatch()
    {
        if (Fault is { } fault)
            throw fault;
    }

    public void EndBatch()
    {
    }

    private void AllGather(HostCall call, nint input, nint output, ReadOnlySpan<nuint> counts, nint stream)
    {
        nuint size = (nuint)call.Type.SizeInBytes(), own = counts[_setup.Rank] * size, whole = 0, longest = 0;
        ExchangeArguments parts = default;
        for (int rank = 0; rank < counts.Length; rank++)
        {
            nuint bytes = counts[rank] * size;
            parts.SendBytes[rank] = own;
            (parts.ReceiveOffset[rank], parts.ReceiveBytes[rank]) = (whole, bytes);
            (whole, longest) = (whole + bytes, nuint.Max(longest, bytes));
        }

        Exchange(call, input, own, output, whole, longest, ref parts, stream);
    }

    /// <summary>In as many launches as the longest part takes.</summary>
    /// <param name="call">For messages.</param>
    /// <param name="input">Of <paramref name="inputBytes"/>; 0 bytes: any pointer.</param>
    /// <param name="inputBytes">All parts together.</param>
    /// <param name="output">Of <paramref name="outputBytes"/>.</param>
    /// <param name="outputBytes">All parts together.</param>
    /// <param name="longest">Part of any rank; the same on all.</param>
    /// <param name="parts">Offsets and lengths.</param>
    /// <param name="stream">The caller's.</param>
    private void Exchange(HostCall call, nint input, nuint inputBytes, nint output, nuint outputBytes, nuint longest, ref ExchangeArguments parts, nint stream)
    {
        if (longest == 0)
            return;
        _pointers.CheckStream(stream);
        _pointers.Check(input, inputBytes, call.Type, stream, nameof(input));
        _pointers.Check(output, outputBytes, call.Type, stream, nameof(output));
        Enter(call);
        try
        {
            (_call, _sequence) = (call, _sequence + 1);
            nuint slot = HalfBytes / (nuint)(PeerLaunch.CellBytes * WorldSize), most = slot * DataInPair;
            for (nuint done = 0; done < longest; done += most)
            {
                ExchangeArguments arguments = new() { View = _view, Input = input, Output = output, SlotCells = slot };
                for (int rank = 0; rank < WorldSize; rank++)
                {
                    nuint sent = nuint.Min(done, (nuint)parts.SendBytes[rank]), received = nuint.Min(done, (nuint)parts.ReceiveBytes[rank]);
                    (arguments.SendOffset[rank], arguments.SendBytes[rank]) = (parts.SendOffset[rank] + sent, nuint.Min(most, (nuint)parts.SendBytes[rank] - sent));
                    (arguments.ReceiveOffset[rank], arguments.ReceiveBytes[rank]) = (parts.ReceiveOffset[rank] + received, nuint.Min(most, (nuint)parts.ReceiveBytes[rank] - received));
                }

                nuint cells = (nuint.Min(most, longest - done) + DataInPair - 1) / DataInPair;
                Launch(_exchangeKernel!, PeerLaunch.For(cells, _setup.MostBlocks), stream, in arguments);
            }
        }
        finally
        {
            Volatile.Write(ref _calling, 0);
        }
    }

    private string ExchangeName => $"{ExchangeKernel}_{WorldSize}";

    private void CompileExchange() => KernelLibrary.Compile(Device, CollectiveKernels.Source(ExchangeKernel), CollectiveKernels.Options(ExchangeName, WorldSize));

    private void LoadExchange() => _exchangeKernel = PeerKernels.Load(Device, ExchangeKernel, ExchangeName, CollectiveKernels.Options(ExchangeName, WorldSize), WorldSize);

    private NotSupportedException No(string call) => new($"{call} by {Name} on group {_setup.Group}: it has neither messages, nor parts whose lengths other ranks don't know, nor registration.");
}
