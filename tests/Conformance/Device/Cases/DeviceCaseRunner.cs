using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Conformance.Device;

/// <summary>Runs cases of one element type on one rank. All of them are enqueued before the first is looked at.</summary>
internal sealed class DeviceCaseRunner<T>(DeviceRank rank, DeviceMemoryKind kind = DeviceMemoryKind.Plain, RegistrationKind? registration = null)
    where T : unmanaged
{
    private readonly GroupCoordinator _group = rank.Group;
    private readonly DeviceInputs<T> _inputs = new(rank.Size);

    /// <summary>Twice, with other inputs the second time.</summary>
    internal void RunEager(IReadOnlyList<DeviceCase> cases)
    {
        using CaseArena<T> arena = new(rank, cases, kind);
        rank.Meet();
        using RegisteredBuffer? known = Register(arena);
        for (int round = 0; round < 2; round++)
        {
            arena.Load(round);
            Call(cases, arena);
            rank.Meet();
            arena.Check(round);
        }
    }

    /// <summary>One graph of all cases, replayed three times with other inputs; then the same on other memory.</summary>
    internal void RunCaptured(IReadOnlyList<DeviceCase> cases)
    {
        using CaseArena<T> arena = new(rank, cases, kind), moved = new(rank, cases, kind);
        rank.Meet();
        _group.Prepare([DataTypeExtensions.Of<T>()], [.. cases.Select(test => test.Test.Op)]);
        using RegisteredBuffer? known = Register(arena), alsoKnown = Register(moved);
        using (CudaGraph graph = rank.Capture(() => Call(cases, arena)))
        using (CudaGraphExec exec = graph.Instantiate())
        {
            rank.Meet();
            Replay(arena, exec, rounds: 3);
            using CudaGraph other = rank.Capture(() => Call(cases, moved));

            // What NCCL enqueues has the same shape for the same sizes; where it has not, the other way is the documented one.
            using CudaGraphExec? instead = exec.TryUpdate(other) ? null : other.Instantiate();
            rank.Meet();
            Replay(moved, instead ?? exec, rounds: 1);
        }

        rank.Meet();
    }

    private void Replay(CaseArena<T> arena, CudaGraphExec exec, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            arena.Load(round);
            exec.Launch(rank.Stream);
            rank.Meet();
            arena.Check(round);
        }
    }

    private RegisteredBuffer? Register(CaseArena<T> arena) => registration is { } how ? _group.Register(arena.Memory, how) : null;

    private void Call(IReadOnlyList<DeviceCase> cases, CaseArena<T> arena)
    {
        for (int i = 0; i < cases.Count; i++)
        {
            DeviceSpan<T> input = arena.Input(i), output = arena.Output(i);
            if (cases[i].Scaled)
            {
                // May be disposed as soon as the call is enqueued.
                using PremultipliedSum scaled = _group.CreatePremultipliedSum(_inputs.Scalar(rank.Rank));
                Call(cases[i], input, output, scaled);
            }
            else
                Call(cases[i], input, output, cases[i].Test.Op);
        }
    }

    private void Call(DeviceCase test, DeviceSpan<T> input, DeviceSpan<T> output, DeviceReduceOp op)
    {
        DataType type = test.Test.Type;
        int root = test.Test.Root;
        nint stream = rank.Stream;
        nuint[] counts = [.. test.Test.Counts(rank.Size).Select(count => (nuint)count)];
        switch (test.Test.Collective)
        {
            case CollectiveKind.AllReduce when test.Untyped: _group.AllReduce(input.Pointer, output.Pointer, input.Length, type, op, stream); break;
            case CollectiveKind.AllReduce: _group.AllReduce(input, output, op, stream); break;
            case CollectiveKind.Reduce when test.Untyped: _group.Reduce(input.Pointer, rank.Rank == root ? output.Pointer : 0, input.Length, type, op, root, stream); break;
            case CollectiveKind.Reduce: _group.Reduce(input, rank.Rank == root ? output : default, root, op, stream); break;
            case CollectiveKind.Broadcast when test.Untyped: _group.Broadcast(input.Pointer, input.Length, type, root, stream); break;
            case CollectiveKind.Broadcast: _group.Broadcast(input, root, stream); break;
            case CollectiveKind.AllGather when test.Test.Varied: _group.AllGatherV(input, output, counts, stream); break;
            case CollectiveKind.AllGather when test.Untyped: _group.AllGather(input.Pointer, output.Pointer, input.Length, type, stream); break;
            case CollectiveKind.AllGather: _group.AllGather(input, output, stream); break;
            case CollectiveKind.ReduceScatter when test.Test.Varied: _group.ReduceScatterV(input, output, counts, op, stream); break;
            case CollectiveKind.ReduceScatter when test.Untyped: _group.ReduceScatter(input.Pointer, output.Pointer, output.Length, type, op, stream); break;
            case CollectiveKind.ReduceScatter: _group.ReduceScatter(input, output, op, stream); break;
            case CollectiveKind.Gather: _group.Gather(input, output, root, stream); break;
            case CollectiveKind.Scatter: _group.Scatter(input, output, root, stream); break;
            case CollectiveKind.AllToAll: _group.AllToAll(input, output, stream); break;
            case CollectiveKind.AllToAllV:
                nuint[] send = [.. test.Test.Counts(rank.Size, rank.Rank).Select(count => (nuint)count)];
                nuint[] receive = [.. Enumerable.Range(0, rank.Size).Select(from => (nuint)test.Test.Counts(rank.Size, from)[rank.Rank])];
                _group.AllToAllV(input, send, output, receive, stream);
                break;
            case CollectiveKind.SendReceive: _group.SendReceive(input, (rank.Rank + root) % rank.Size, output, (rank.Rank + rank.Size - root) % rank.Size, stream); break;
            default: throw new NotSupportedException(test.Test.Collective.ToString());
        }
    }
}
