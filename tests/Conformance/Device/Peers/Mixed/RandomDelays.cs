using System.Diagnostics;
using CollectivesSharp.Cuda;

namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// Holds one rank up before some of its calls, another one each time, so that its peers' kernels wait: on the device, by a word that the host sets some calls later, or on the host, for microseconds or milliseconds. Drawn alike on all ranks.
/// </summary>
internal sealed class RandomDelays(DeviceRank rank, int seed) : IDisposable
{
    private readonly Random _random = new(seed);

    /// <summary>One a turn, more than there are turns between two meetings of the ranks: the stream may not have come to the wait that is over.</summary>
    private readonly DeviceBuffer<uint> _words = rank.Buffer(new uint[256]);
    private uint _turn;

    /// <summary>So many calls further the stream is let go; 0: it is not held up.</summary>
    private int _held;

    /// <summary>Before a call.</summary>
    internal void Next()
    {
        if (_held > 0 && --_held == 0)
            LetGo();
        (bool isDelayed, int kind, int held, int much) = (_random.Next(20) == 0, _random.Next(3), _random.Next(rank.Size), _random.Next(1, 31));
        if (!isDelayed || held != rank.Rank || _held > 0)
            return;
        switch (kind)
        {
            case 0:
                _turn++;
                Contexts.WaitForWord(rank.Stream, Word, _turn);
                _held = much;
                break;
            case 1:
                for (long begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin).TotalMicroseconds < 10 * much;)
                    Thread.SpinWait(10);
                break;
            default:
                Thread.Sleep(1 + (much / 10));
                break;
        }
    }

    /// <summary>Behind the last call.</summary>
    internal void End()
    {
        if (_held > 0)
            LetGo();
        _held = 0;
    }

    /// <summary>Also where a test has failed, and freeing memory waits for the stream.</summary>
    public void Dispose()
    {
        LetGo();
        _words.Dispose();
    }

    private DeviceSpan<uint> Word => _words.Span.Slice(_turn % (uint)_words.Length, 1);

    private void LetGo() => Word.CopyFrom<uint>(rank.Device, [_turn]);
}
