using BenchmarkDotNet.Attributes;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Benchmarks;

/// <summary>
/// What a collective on device memory costs the host above NCCL's own call: the same all-reduce on the same communicator, by the binding and by the group. Nothing is waited for within a measurement;
/// after it the other rank makes as many calls, from this thread, and both streams are drained. So the calls of one iteration must fit a stream's queue, which holds some thousand.
/// </summary>
public unsafe class NcclCallCost
{
    private const int Elements = 256;

    private GroupCoordinator[] _groups = [];
    private CudaStream[] _streams = [];
    private DeviceBuffer<float>[] _buffers = [];
    private nint _communicator;
    private void* _pointer;
    private nint _stream;
    private long _calls;
    private long _followed;

    [GlobalSetup]
    public void Setup()
    {
        InProcessStore store = new();
        _groups = Task.WhenAll(Enumerable.Range(0, 2).Select(rank => GroupCoordinator.CreateAsync(
            new GroupOptions { Rank = rank, WorldSize = 2, Store = store, Device = DeviceChoice.Required, AllReduceRoute = AllReduceRoute.Nccl }))).GetAwaiter().GetResult();
        _streams = [.. _groups.Select(group => group.Device!.CreateStream())];
        _buffers = [.. _groups.Select(group => group.Device!.AllocateFrom<float>(new float[Elements]))];
        _communicator = _groups[0].Nccl!.Handle;
        _pointer = (void*)_buffers[0].Pointer;
        _stream = _streams[0].Handle;

        // The first call may wait for the other rank's.
        Task peer = Task.Run(() => Call(1));
        Group();
        peer.GetAwaiter().GetResult();
        _followed++;
        Drain();

        // As in an engine's thread, and as the native call needs it.
        CUresult current = CudaDriverNative.cuCtxSetCurrent(_groups[0].Device!.Context);
        if (current != CUresult.CUDA_SUCCESS)
            throw new CudaException("cuCtxSetCurrent", current);
    }

    [Benchmark(Baseline = true)]
    public ncclResult_t Native()
    {
        _calls++;
        return NcclNative.ncclAllReduce(_pointer, _pointer, Elements, ncclDataType_t.ncclFloat32, ncclRedOp_t.ncclSum, _communicator, _stream);
    }

    [Benchmark]
    public void Group()
    {
        _calls++;
        Call(0);
    }

    [IterationCleanup]
    public void Follow()
    {
        for (; _followed < _calls; _followed++)
            Call(1);
        Drain();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (DeviceBuffer<float> buffer in _buffers)
            buffer.Dispose();
        foreach (CudaStream stream in _streams)
            stream.Dispose();
        Task.WhenAll(_groups.Select(group => Task.Run(() => group.DisposeAsync().AsTask()))).GetAwaiter().GetResult();
    }

    private void Call(int rank) => _groups[rank].AllReduce<float>(_buffers[rank].Span, _buffers[rank].Span, ReduceOp.Sum, _streams[rank]);

    private void Drain()
    {
        for (int rank = 0; rank < 2; rank++)
            _groups[rank].Synchronize(_streams[rank]);
    }
}
