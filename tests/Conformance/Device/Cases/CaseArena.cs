using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// One rank's device memory for a list of cases, two buffers a case, each between untouched bytes, all of them one image that is compared byte by byte. Offsets and size are the same on every rank.
/// </summary>
internal sealed class CaseArena<T> : IDisposable
    where T : unmanaged
{
    private const int Margin = 256;
    private const byte Untouched = 0xA5;

    private readonly DeviceRank _rank;
    private readonly IReadOnlyList<DeviceCase> _cases;
    private readonly Definition<T> _definition;
    private readonly DeviceInputs<T> _inputs;
    private readonly Element<T> _element = Elements.Of<T>();
    private readonly (int Large, int Other)[] _places;
    private readonly DeviceBuffer<byte> _memory;
    private readonly byte[] _image;
    private readonly byte[] _expected;

    internal unsafe CaseArena(DeviceRank rank, IReadOnlyList<DeviceCase> cases, DeviceMemoryKind kind = DeviceMemoryKind.Plain)
    {
        (_rank, _cases) = (rank, cases);
        _definition = new(rank.Size, rank.Rank);
        _inputs = new(rank.Size);
        _places = new (int, int)[cases.Count];
        int end = 0;
        for (int i = 0; i < cases.Count; i++)
        {
            Case test = cases[i].Test;
            int input = Enumerable.Range(0, rank.Size).Max(of => _definition.InputLength(test, of)), output = Enumerable.Range(0, rank.Size).Max(of => _definition.OutputLength(test, of));
            _places[i] = (Reserve(Math.Max(input, output), test.Misalignment), Reserve(output, test.Misalignment));
        }

        _image = new byte[end + Margin];
        _expected = new byte[_image.Length];
        _memory = rank.Device.Allocate<byte>((nuint)_image.Length, kind);

        int Reserve(int length, int offset)
        {
            int start = end + Margin + (offset * sizeof(T));
            end = (start + (length * sizeof(T)) + Margin - 1) / Margin * Margin;
            return start;
        }
    }

    internal DeviceSpan<byte> Memory => _memory.Span;

    internal DeviceSpan<T> Input(int index)
    {
        Case test = _cases[index].Test;
        int length = _definition.InputLength(test, _rank.Rank);
        bool gathers = IsInPlace(test) && _definition.OutputLength(test, _rank.Rank) > length;
        return Span(_places[index].Large, gathers ? _definition.OwnStart(test) : 0, length);
    }

    internal DeviceSpan<T> Output(int index)
    {
        Case test = _cases[index].Test;
        int length = _definition.OutputLength(test, _rank.Rank);
        bool scatters = _definition.InputLength(test, _rank.Rank) > length;
        return IsInPlace(test) && length > 0 ? Span(_places[index].Large, scatters ? _definition.OwnStart(test) : 0, length) : Span(_places[index].Other, 0, length);
    }

    /// <summary>Writes the inputs of a round, and works out what the image must be afterwards.</summary>
    internal void Load(int round)
    {
        _image.AsSpan().Fill(Untouched);
        T[][][] inputs = [.. _cases.Select(test => Enumerable.Range(0, _rank.Size).Select(of => _inputs.Make(test, of, _definition.InputLength(test.Test, of), round)).ToArray())];
        for (int i = 0; i < _cases.Count; i++)
            inputs[i][_rank.Rank].CopyTo(Host(_image, Input(i)));
        _memory.CopyFrom(_image);
        _image.CopyTo(_expected, 0);
        for (int i = 0; i < _cases.Count; i++)
        {
            DeviceCase test = _cases[i];
            T[][] reduced = test.Scaled ? [.. inputs[i].Select((input, of) => _inputs.Scaled(input, of))] : inputs[i];
            _definition.Expected(test.Test, reduced, DeviceInputs<T>.Period).CopyTo(Host(_expected, IsBroadcast(test) ? Input(i) : Output(i)));
        }
    }

    /// <summary>Every byte: outputs, inputs that must not change, and what lies between.</summary>
    internal void Check(int round)
    {
        _memory.CopyTo(_image);
        for (int i = 0; i < _cases.Count; i++)
            Check(i, round);
        int wrong = _image.AsSpan().CommonPrefixLength(_expected);
        if (wrong == _image.Length)
            return;
        int index = Array.FindLastIndex(_places, place => place.Large <= wrong + Margin);
        Assert.Fail($"Round {round}, {_rank.Size} ranks, rank {_rank.Rank}: a byte that is nobody's output was written, near {(index < 0 ? "the start" : _cases[index])}, byte {wrong} of {_image.Length}.");
    }

    public void Dispose() => _memory.Dispose();

    private void Check(int index, int round)
    {
        DeviceCase test = _cases[index];
        DeviceSpan<T> output = IsBroadcast(test) ? Input(index) : Output(index);
        Span<T> found = Host(_image, output), expected = Host(_expected, output);
        if (MemoryMarshal.AsBytes(found).SequenceEqual(MemoryMarshal.AsBytes(expected)))
            return;
        for (int i = 0; i < found.Length; i++)
        {
            bool same = _inputs.IsExact(test)
                ? MemoryMarshal.AsBytes(found.Slice(i, 1)).SequenceEqual(MemoryMarshal.AsBytes(expected.Slice(i, 1)))
                : Math.Abs(_element.ToDouble(found[i]) - _element.ToDouble(expected[i])) <= _inputs.AverageTolerance;
            if (!same)
                Assert.Fail($"Round {round}, {test}, {_rank.Size} ranks, rank {_rank.Rank}: element {i} is {found[i]}, expected {expected[i]}.");
        }

        found.CopyTo(expected);
    }

    private static bool IsBroadcast(DeviceCase test) => test.Test.Collective == CollectiveKind.Broadcast;

    /// <summary>Ranks other than the root have one buffer.</summary>
    private bool IsInPlace(Case test) => test.InPlace && (_rank.Rank == test.Root || test.Collective is not (CollectiveKind.Gather or CollectiveKind.Scatter));

    private unsafe DeviceSpan<T> Span(int place, int start, int length) => _memory.Span.Slice((nuint)(place + (start * sizeof(T))), (nuint)(length * sizeof(T))).Cast<T>();

    private unsafe Span<T> Host(byte[] image, DeviceSpan<T> span) => MemoryMarshal.Cast<byte, T>(image.AsSpan((int)(span.Pointer - _memory.Pointer), (int)span.LengthInBytes));
}
