namespace CollectivesSharp.Benchmarks;

/// <summary>One rank's group and buffers in host memory.</summary>
internal sealed class HostRank(GroupCoordinator group, CollectiveKind collective, int elements) : IRank
{
    private readonly float[] _input = Filled(elements, group.RankInGroup);
    private readonly float[] _output = Filled(elements, 0);

    public GroupCoordinator Group => group;

    private int Part => elements / group.WorldSize;

    public void Call()
    {
        switch (collective)
        {
            case CollectiveKind.AllReduce: group.AllReduce<float>(_input, _output); break;
            case CollectiveKind.AllGather: group.AllGather<float>(_input.AsSpan(0, Part), _output); break;
            case CollectiveKind.ReduceScatter: group.ReduceScatter<float>(_input, _output.AsSpan(0, Part)); break;
            case CollectiveKind.AllToAll: group.AllToAll<float>(_input, _output); break;
            case CollectiveKind.Broadcast: group.Broadcast<float>(_output, 0); break;
            default: throw new NotSupportedException($"{collective} is no benchmark here.");
        }
    }

    public void Dispose() => group.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static float[] Filled(int elements, float value)
    {
        float[] buffer = GC.AllocateUninitializedArray<float>(elements, pinned: true);
        buffer.AsSpan().Fill(value);
        return buffer;
    }
}
