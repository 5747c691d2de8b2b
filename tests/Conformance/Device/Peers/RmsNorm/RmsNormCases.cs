using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Conformance.Device;

/// <summary>
/// AllReduceRmsNorms on one rank, enqueued together and then compared with the host's own: the sum bit by bit, the output within a step of its type; the bits of calls of the same numbers with each other.
/// </summary>
internal sealed class RmsNormCases<T> : IPeerCalls
    where T : unmanaged
{
    private const int Margin = 32;
    private const byte Untouched = 0xA5;
    private const float Epsilon = 1e-5f;

    private readonly Element<T> _element = Elements.Of<T>();
    private readonly Element<Float8E4M3> _quantised = Elements.Of<Float8E4M3>();
    private readonly DeviceRank _rank;
    private readonly IReadOnlyList<RmsNormCase> _cases;
    private readonly int[] _starts;
    private readonly DeviceSpan<byte> _memory;
    private readonly DeviceBuffer<byte>? _owned;
    private readonly byte[] _content;

    /// <param name="rank">This one.</param>
    /// <param name="cases">Equal on all ranks.</param>
    /// <param name="memory">For all that they read and write, <see cref="Bytes"/> of it; null: of its own.</param>
    internal RmsNormCases(DeviceRank rank, IReadOnlyList<RmsNormCase> cases, DeviceSpan<byte>? memory = null)
    {
        (_rank, _cases) = (rank, cases);
        _starts = new int[cases.Count + 1];
        for (int i = 0; i < cases.Count; i++)
            _starts[i + 1] = _starts[i] + (Places * Stride(cases[i]));
        _owned = memory is null ? rank.Device.Allocate<byte>((nuint)_starts[^1]) : null;
        _memory = (memory ?? _owned!.Span).Slice(0, (nuint)_starts[^1]);
        _content = new byte[_starts[^1]];
    }

    private enum Place
    {
        Input,
        Residual,
        Weight,
        Sum,
        Output,
        Scale,
    }

    public int Count => _cases.Count;

    public nuint Bytes => _memory.Length;

    private static int Places => (int)Place.Scale + 1;

    public void Load(int round)
    {
        Array.Fill(_content, Untouched);
        for (int i = 0; i < _cases.Count; i++)
        {
            Numbers(i, round, Place.Input, _rank.Rank).CopyTo(Memory<T>(_content, i, Place.Input));
            Numbers(i, round, Place.Residual, 0).CopyTo(Memory<T>(_content, i, Place.Residual));
            Numbers(i, round, Place.Weight, 0).CopyTo(Memory<T>(_content, i, Place.Weight));
            if (_cases[i].Scaling == Float8Scaling.Static)
                Memory<float>(_content, i, Place.Scale)[0] = StaticScale(i, round);
        }

        _memory.CopyFrom<byte>(_rank.Device, _content);
    }

    public void Enqueue(int i, nint stream)
    {
        RmsNormCase of = _cases[i];
        _rank.Group.AllReduceRmsNorm(new()
        {
            Input = Pointer(i, Place.Input),
            Residual = Pointer(i, Place.Residual),
            ResidualOutput = of.ResidualInPlace ? 0 : Pointer(i, Place.Sum),
            Weight = Pointer(i, Place.Weight),
            Output = Pointer(i, of.InPlace ? Place.Input : Place.Output),
            Scaling = of.Scaling,
            Scale = of.Scaling == Float8Scaling.None ? 0 : Pointer(i, Place.Scale),
            Rows = (nuint)of.Rows,
            Columns = (nuint)of.Columns,
            Type = DataTypeExtensions.Of<T>(),
            Epsilon = Epsilon,
            Route = of.Route,
        }, stream);
    }

    internal void EnqueueAll()
    {
        for (int i = 0; i < _cases.Count; i++)
            Enqueue(i, _rank.Stream);
    }

    public void Check(int round)
    {
        byte[] found = new byte[_content.Length];
        _memory.CopyTo(_rank.Device, found.AsSpan());
        Dictionary<int, int> first = [];
        for (int i = 0; i < _cases.Count; i++)
        {
            Check(found, i, round);
            RmsNormCase of = _cases[i];
            if (!first.TryAdd(of.Seed, i))
                CheckSame(found, first[of.Seed], i);
        }
    }

    public void Dispose() => _owned?.Dispose();

    private unsafe void Check(byte[] found, int i, int round)
    {
        RmsNormCase of = _cases[i];
        string where = $"{of} of {typeof(T).Name}, {_rank.Size} ranks, seed {World.Seed}, round {round}, rank {_rank.Rank}";
        T[][] inputs = [.. Enumerable.Range(0, _rank.Size).Select(rank => Numbers(i, round, Place.Input, rank))];
        T[] residual = Numbers(i, round, Place.Residual, 0), weight = Numbers(i, round, Place.Weight, 0), column = new T[_rank.Size];
        ReadOnlySpan<T> sum = Memory<T>(found, i, of.ResidualInPlace ? Place.Residual : Place.Sum), output = Memory<T>(found, i, of.InPlace ? Place.Input : Place.Output);
        ReadOnlySpan<float> scale = Memory<float>(found, i, Place.Scale);
        ReadOnlySpan<Float8E4M3> quantised = Memory<Float8E4M3>(found, i, Place.Output);
        double[] y = new double[of.Columns];
        for (int row = 0; row < of.Rows; row++)
        {
            double squares = 0, largest = 0;
            for (int at = row * of.Columns; at < (row + 1) * of.Columns; at++)
            {
                for (int rank = 0; rank < column.Length; rank++)
                    column[rank] = inputs[rank][at];
                T expected = _element.From((float)_element.ToDouble(_element.Reduce(column, ReduceOp.Sum)) + (float)_element.ToDouble(residual[at]));
                if (!_element.Same(sum[at], expected))
                    Assert.Fail($"{where}: the sum at {at} is {sum[at]}, expected {expected} of {string.Join(", ", column)} and {residual[at]}.");
                double x = _element.ToDouble(sum[at]);
                squares += x * x;
            }

            double factor = 1 / Math.Sqrt((squares / of.Columns) + Epsilon);
            for (int k = 0; k < of.Columns; k++)
            {
                y[k] = _element.ToDouble(sum[(row * of.Columns) + k]) * factor * _element.ToDouble(weight[k]);
                largest = Math.Max(largest, Math.Abs(y[k]));
            }

            if (of.Scaling == Float8Scaling.PerToken)
                Assert.True(Math.Abs(scale[row] - (largest == 0 ? 1 : largest / 448)) <= 1e-5 * scale[row], $"{where}: the scale of row {row} is {scale[row]}, expected {largest / 448}.");
            double divisor = of.Scaling == Float8Scaling.PerToken ? scale[row] : of.Scaling == Float8Scaling.Static ? StaticScale(i, round) : 1;
            for (int k = 0; k < of.Columns; k++)
            {
                int at = (row * of.Columns) + k;
                double got = of.Scaling == Float8Scaling.None ? _element.ToDouble(output[at]) : _quantised.ToDouble(quantised[at]), wanted = Math.Clamp(y[k] / divisor, of.Scaling == Float8Scaling.None ? double.MinValue : -448, of.Scaling == Float8Scaling.None ? double.MaxValue : 448);
                Assert.True(Math.Abs(got - wanted) <= Step(of.Scaling, wanted), $"{where}: the output at row {row}, column {k} is {got}, expected {wanted}.");
            }
        }

        // What lies around, and what is only read.
        int count = of.Rows * of.Columns;
        Keep(of.ResidualInPlace ? Place.Residual : Place.Sum, count * sizeof(T));
        Keep(of.InPlace ? Place.Input : Place.Output, count * (of.Scaling == Float8Scaling.None ? sizeof(T) : 1));
        Keep(Place.Input, count * sizeof(T));
        Keep(Place.Scale, of.Scaling == Float8Scaling.PerToken ? of.Rows * sizeof(float) : 0);
        int different = _content.AsSpan(_starts[i].._starts[i + 1]).CommonPrefixLength(found.AsSpan(_starts[i].._starts[i + 1]));
        Assert.True(different == _starts[i + 1] - _starts[i], $"{where}: byte {different % Stride(of)} of {(Place)(different / Stride(of))} was written.");

        void Keep(Place place, int bytes) => found.AsSpan(Offset(i, place), bytes).CopyTo(_content.AsSpan(Offset(i, place)));
    }

    private unsafe void CheckSame(byte[] found, int one, int other)
    {
        RmsNormCase of = _cases[other];
        int count = of.Rows * of.Columns, bytes = count * (of.Scaling == Float8Scaling.None ? sizeof(T) : 1);
        Same(_cases[one].InPlace ? Place.Input : Place.Output, of.InPlace ? Place.Input : Place.Output, bytes);
        Same(_cases[one].ResidualInPlace ? Place.Residual : Place.Sum, of.ResidualInPlace ? Place.Residual : Place.Sum, count * sizeof(T));
        if (of.Scaling == Float8Scaling.PerToken)
            Same(Place.Scale, Place.Scale, of.Rows * sizeof(float));

        void Same(Place left, Place right, int length) => Assert.True(
            found.AsSpan(Offset(one, left), length).SequenceEqual(found.AsSpan(Offset(other, right), length)), $"{_cases[one]} and {of} of {typeof(T).Name}, {_rank.Size} ranks, seed {World.Seed}: other bits of {left}.");
    }

    /// <summary>What an output may be away: a step of its type there, which is a little more than half.</summary>
    private static double Step(Float8Scaling scaling, double value) => scaling != Float8Scaling.None ? Math.Max(Math.Abs(value) / 14, 1.01 / 1024)
        : DataTypeExtensions.Of<T>() switch
        {
            DataType.Float32 => (Math.Abs(value) * 1e-5) + 1e-30,
            DataType.Float16 => (Math.Abs(value) / 1500) + 1e-7,
            _ => (Math.Abs(value) / 190) + 1e-30,
        };

    private float StaticScale(int i, int round) => 1f / (1 + ((_cases[i].Seed + round) & 0xFF));

    /// <summary>Eighths up to 4: the sums of eight ranks are exact in all types, in whatever order they are made. The residual and the weight are any numbers.</summary>
    private T[] Numbers(int i, int round, Place place, int rank)
    {
        Random random = new(unchecked((((((World.Seed * 31) + _cases[i].Seed) * 31) + rank) * 31) + (round * 7) + (int)place));
        bool isExact = place == Place.Input && _rank.Group.PeerObjection is not null;
        T[] numbers = new T[place == Place.Weight ? _cases[i].Columns : _cases[i].Rows * _cases[i].Columns];
        for (int at = 0; at < numbers.Length; at++)
            numbers[at] = _element.From(isExact ? random.Next(-16, 17) / 8.0 : (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-4, 4))));
        return numbers;
    }

    private unsafe Span<TItem> Memory<TItem>(byte[] content, int i, Place place)
        where TItem : unmanaged
        => MemoryMarshal.Cast<byte, TItem>(content.AsSpan(Offset(i, place), (Stride(_cases[i]) - Margin - (_cases[i].Offset * sizeof(TItem))) / sizeof(TItem) * sizeof(TItem)));

    private nint Pointer(int i, Place place) => _memory.Pointer + Offset(i, place);

    private unsafe int Offset(int i, Place place) => _starts[i] + ((int)place * Stride(_cases[i])) + Margin + (place switch
    {
        Place.Scale => sizeof(float),
        Place.Output when _cases[i].Scaling != Float8Scaling.None => 1,
        _ => sizeof(T),
    } * _cases[i].Offset);

    /// <summary>A matrix of the widest type, a scale for each row, and what lies around.</summary>
    private static unsafe int Stride(RmsNormCase of) => (((of.Rows * of.Columns * sizeof(float)) + (of.Rows * sizeof(float)) + (16 * sizeof(float)) + (2 * Margin) + 15) / 16 * 16);
}
