namespace CollectivesSharp.Benchmarks;

/// <summary>One rank's group and buffers; a call of the collective.</summary>
internal sealed class Rank(GroupCoordinator group, CollectiveKind collective, int elements)
{
    private readonly float[] _input = Filled(elements, group.RankInGroup);
    private readonly float[] _output = Filled(elements, 0);

    internal GroupCoordinator Group => group;

    private int Part => elements / group.WorldSize;

    internal void Call()
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

    private static float[] Filled(int elements, float value)
    {
        float[] buffer = GC.AllocateUninitializedArray<float>(elements, pinned: true);
        buffer.AsSpan().Fill(value);
        return buffer;
    }
}
