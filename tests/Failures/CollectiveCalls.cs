namespace CollectivesSharp.Failures;

/// <summary>Every collective by name, on buffers whose lengths come from a generator that all ranks seed alike. With <paramref name="shared"/> they lie in the group's memory.</summary>
internal sealed class CollectiveCalls(GroupCoordinator group, bool shared = false)
{
    private const int MaxPart = 60_000;

    private readonly Random _random = new(1);
    private readonly Memory<float> _small = New(group, shared, MaxPart);
    private readonly Memory<float> _large = New(group, shared, MaxPart * group.WorldSize);
    private readonly Memory<float> _other = New(group, shared, MaxPart * group.WorldSize);

    internal static string[] Names { get; } =
        ["AllReduce", "Reduce", "Broadcast", "AllGather", "ReduceScatter", "Gather", "Scatter", "AllToAll", "AllToAllV", "SendReceive", "Send", "Barrier", "AllocateHost"];

    private static Memory<float> New(GroupCoordinator group, bool shared, int length) => shared ? group.AllocateHost<float>(length).Memory : new float[length];

    /// <summary>"mixed": any of them.</summary>
    internal void Call(string name)
    {
        if (name == "mixed")
            name = Names[_random.Next(Names.Length)];
        int part = (int)Math.Pow(2, _random.NextDouble() * Math.Log2(MaxPart)), root = _random.Next(group.WorldSize);
        Span<float> one = _small.Span[..part], all = _large.Span[..(part * group.WorldSize)], other = _other.Span[..(part * group.WorldSize)];
        int next = (group.RankInGroup + 1) % group.WorldSize, previous = (group.RankInGroup + group.WorldSize - 1) % group.WorldSize;
        switch (name)
        {
            case "AllReduce": group.AllReduce<float>(all, all, ReduceOp.Max); break;
            case "Reduce": group.Reduce<float>(one, one, root, ReduceOp.Max); break;
            case "Broadcast": group.Broadcast(all, root); break;
            case "AllGather": group.AllGather<float>(one, all); break;
            case "ReduceScatter": group.ReduceScatter<float>(all, one, ReduceOp.Max); break;
            case "Gather": group.Gather<float>(one, all, root); break;
            case "Scatter": group.Scatter<float>(all, one, root); break;
            case "AllToAll": group.AllToAll<float>(all, other); break;
            case "AllToAllV":
                nuint[] counts = [.. Enumerable.Repeat((nuint)part, group.WorldSize)];
                group.AllToAllV<float>(all, counts, other, counts);
                break;
            case "SendReceive": group.SendReceive<float>(one, next, other, previous); break;
            case "Send":
                // A message round the ring, from whoever is the root.
                if (group.RankInGroup == root)
                    group.Send<float>(one, next);
                group.Receive(other, previous);
                if (group.RankInGroup != root)
                    group.Send<float>(other[..part], next);
                break;
            case "Barrier": group.Barrier(); break;
            case "AllocateHost": group.AllocateHost<float>(part).Dispose(); break;
            default: throw new ArgumentException(name);
        }
    }
}
