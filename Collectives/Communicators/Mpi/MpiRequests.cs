using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// A fixed number of requests in memory that does not move. All members want <see cref="MpiRuntime.Lock"/>. What calls MPI is not inlined: within a try block or a lock the compiler
/// reaches an import through a stub, which the first call there, at whatever time the caller was compiled anew, would make and allocate for.
/// </summary>
internal sealed unsafe class MpiRequests : IDisposable
{
    private readonly int _capacity;
    private readonly byte* _handles;
    private readonly int _stride = MpiRuntime.Abi.HandleBytes;

    internal MpiRequests(int capacity)
    {
        _capacity = capacity;
        _handles = (byte*)NativeMemory.Alloc((nuint)capacity, (nuint)_stride);
        for (int i = 0; i < capacity; i++)
            MpiRuntime.Abi.WriteHandle(_handles + (i * _stride), MpiRuntime.Abi.MPI_REQUEST_NULL);
    }

    internal bool IsActive(int index) => MpiRuntime.Abi.ReadHandle(_handles + (index * _stride)) != MpiRuntime.Abi.MPI_REQUEST_NULL;

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Send(int index, void* buffer, nuint bytes, int destination, int tag) =>
        MpiException.ThrowIfFailed(MpiNative.MPI_Isend(buffer, checked((int)bytes), MpiRuntime.Abi.MPI_BYTE, destination, tag, MpiRuntime.Communicator, _handles + (index * _stride)), nameof(MpiNative.MPI_Isend));

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Receive(int index, void* buffer, nuint bytes, int source, int tag) =>
        MpiException.ThrowIfFailed(MpiNative.MPI_Irecv(buffer, checked((int)bytes), MpiRuntime.Abi.MPI_BYTE, source, tag, MpiRuntime.Communicator, _handles + (index * _stride)), nameof(MpiNative.MPI_Irecv));

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool TestAll()
    {
        int flag = 0;
        MpiException.ThrowIfFailed(MpiNative.MPI_Testall(_capacity, _handles, &flag, MpiRuntime.Abi.MPI_STATUSES_IGNORE), nameof(MpiNative.MPI_Testall));
        return flag != 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool Test(int index)
    {
        int flag = 0;
        MpiException.ThrowIfFailed(MpiNative.MPI_Test(_handles + (index * _stride), &flag, MpiRuntime.Abi.MPI_STATUS_IGNORE), nameof(MpiNative.MPI_Test));
        return flag != 0;
    }

    /// <summary>True if MPI uses no buffer of these requests any more. What has begun to arrive can't be cancelled.</summary>
    internal bool TryCancelReceives(int count)
    {
        for (int i = 0; i < count; i++)
        {
            if (IsActive(i))
                MpiException.ThrowIfFailed(MpiNative.MPI_Cancel(_handles + (i * _stride)), nameof(MpiNative.MPI_Cancel));
        }

        return TestAll();
    }

    public void Dispose() => NativeMemory.Free(_handles);
}
