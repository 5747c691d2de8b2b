using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.RmsNorm;

/// <summary>One rank's memory, for the most tokens.</summary>
internal sealed class RmsNormBuffers : IDisposable
{
    private readonly RmsNormCommand _command;
    private readonly GroupCoordinator _group;
    private readonly CudaStream _stream;
    private readonly long _elements;
    private readonly DeviceBuffer<byte> _input;
    private readonly DeviceBuffer<byte> _residual;
    private readonly DeviceBuffer<byte> _weight;
    private readonly DeviceBuffer<byte> _sum;
    private readonly DeviceBuffer<byte> _output;
    private readonly DeviceBuffer<float> _scale;

    internal RmsNormBuffers(RmsNormCommand command, GroupCoordinator group, CudaStream stream)
    {
        (_command, _group, _stream) = (command, group, stream);
        _elements = command.Tokens.Max() * (long)command.Hidden;
        nuint bytes = (nuint)(_elements * command.Type.SizeInBytes());
        CudaDevice device = stream.Device;
        (_input, _residual, _weight, _sum, _output) = (device.Allocate<byte>(bytes), device.Allocate<byte>(bytes), device.Allocate<byte>((nuint)(command.Hidden * command.Type.SizeInBytes())), device.Allocate<byte>(bytes), device.Allocate<byte>(bytes));
        _scale = device.AllocateFrom<float>([.. Enumerable.Repeat(0.25f, command.Tokens.Max())]);
        _residual.CopyFrom(Numbers(_elements, 1));
        _weight.CopyFrom(Numbers(command.Hidden, 2));
        group.Barrier();
    }

    /// <summary>Whether the peer memory holds it.</summary>
    internal bool Takes(int tokens, AllReduceRmsNormRoute route)
    {
        if (route == AllReduceRmsNormRoute.Separate)
            return true;
        try
        {
            Enqueue(tokens, route);
            _group.Synchronize(_stream);
            return true;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    /// <summary>Bytes, over all ranks, that the routes' results have otherwise than the first one's.</summary>
    internal long CountDifferent(int tokens, IEnumerable<AllReduceRmsNormRoute> routes)
    {
        byte[]? first = null;
        long[] different = [0];
        foreach (AllReduceRmsNormRoute route in routes)
        {
            _input.CopyFrom(Numbers(_elements, 3 + _group.RankInGroup));
            _group.Barrier();
            Enqueue(tokens, route);
            _group.Synchronize(_stream);
            int bytes = tokens * _command.Hidden * _command.Type.SizeInBytes();
            byte[] found = [.. _sum.ToArray().AsSpan(0, bytes), .. _output.ToArray().AsSpan(0, _command.Scaling == Float8Scaling.None ? bytes : tokens * _command.Hidden)];
            first ??= found;
            for (int i = 0; i < found.Length; i++)
                different[0] += found[i] == first[i] ? 0 : 1;
        }

        // A separate call reduces in place: of zeros, as often as one likes.
        _input.Span.Clear(_stream);
        _group.Synchronize(_stream);
        _group.AllReduce<long>(different, different);
        return different[0];
    }

    internal CudaGraphExec Capture(int tokens, AllReduceRmsNormRoute route, int calls)
    {
        _group.Synchronize(_stream);
        using GraphCapture capture = _stream.BeginCapture();
        for (int i = 0; i < calls; i++)
            Enqueue(tokens, route);
        using CudaGraph graph = capture.End();
        return graph.Instantiate();
    }

    public void Dispose()
    {
        foreach (DeviceBuffer<byte> buffer in (DeviceBuffer<byte>[])[_input, _residual, _weight, _sum, _output])
            buffer.Dispose();
        _scale.Dispose();
    }

    private void Enqueue(int tokens, AllReduceRmsNormRoute route) => _group.AllReduceRmsNorm(new()
    {
        Input = _input.Pointer,
        Residual = _residual.Pointer,
        ResidualOutput = _sum.Pointer,
        Weight = _weight.Pointer,
        Output = _output.Pointer,
        Scaling = _command.Scaling,
        Scale = _command.Scaling == Float8Scaling.None ? 0 : _scale.Pointer,
        Rows = (nuint)tokens,
        Columns = (nuint)_command.Hidden,
        Type = _command.Type,
        Epsilon = 1e-5f,
        Route = route,
    }, _stream);

    /// <summary>From -2 to 2, the same for a seed.</summary>
    private byte[] Numbers(long count, int seed)
    {
        Random random = new(seed);
        byte[] bytes = new byte[count * _command.Type.SizeInBytes()];
        for (int i = 0; i < count; i++)
        {
            float number = (random.NextSingle() * 4) - 2;
            switch (_command.Type)
            {
                case DataType.Float32: BitConverter.TryWriteBytes(bytes.AsSpan(i * sizeof(float)), number); break;
                case DataType.Float16: BitConverter.TryWriteBytes(bytes.AsSpan(i * sizeof(ushort)), (Half)number); break;
                default: BitConverter.TryWriteBytes(bytes.AsSpan(i * sizeof(ushort)), ((BFloat16)number).ToBits()); break;
            }
        }

        return bytes;
    }
}
