namespace CollectivesSharp.Cuda;

/// <summary>Which parts of a block are free; first fit, neighbours merged. Not thread-safe.</summary>
internal sealed class FreeList(nuint bytes)
{
    /// <summary>By offset.</summary>
    private readonly List<(nuint Offset, nuint Bytes)> _free = [(0, bytes)];

    internal bool IsWhole => _free is [(0, var all)] && all == bytes;

    internal bool TryTake(nuint wanted, out nuint offset)
    {
        int found = _free.FindIndex(part => part.Bytes >= wanted);
        if (found < 0)
        {
            offset = 0;
            return false;
        }

        (offset, nuint length) = _free[found];
        if (length == wanted)
            _free.RemoveAt(found);
        else
            _free[found] = (offset + wanted, length - wanted);
        return true;
    }

    internal void Give(nuint offset, nuint length)
    {
        int next = _free.FindIndex(part => part.Offset > offset);
        if (next < 0)
            next = _free.Count;
        if (next < _free.Count && offset + length == _free[next].Offset)
        {
            length += _free[next].Bytes;
            _free.RemoveAt(next);
        }

        if (next > 0 && _free[next - 1] is var before && before.Offset + before.Bytes == offset)
            _free[next - 1] = (before.Offset, before.Bytes + length);
        else
            _free.Insert(next, (offset, length));
    }
}
