using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// ncclCommInitRankConfig, which blocks until every rank has come, on a thread of its own. NCCL stores the communicator before it begins to wait: who gives up aborts it from outside, which ends the wait.
/// What nobody takes, the thread gives back.
/// </summary>
internal sealed class NcclInitialization(NcclSetup setup, byte[] id, int rank, int count)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource<nint> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();

    /// <summary>One word of native memory, written by NCCL while the thread is inside; 0 once it is not.</summary>
    private nint _word;

    private nint _made;
    private bool _isAbandoned;
    private bool _isAborted;
    private bool _hasEnded;

    /// <exception cref="TimeoutException">Not all ranks came.</exception>
    /// <exception cref="NcclException">NCCL refused or failed.</exception>
    internal async Task<nint> RunAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        Start();
        try
        {
            return await _done.Task.WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            await EndAsync().ConfigureAwait(false);
            throw;
        }
    }

    private unsafe void Start()
    {
        _word = (nint)NativeMemory.AllocZeroed((nuint)sizeof(nint));
        new Thread(Initialize) { IsBackground = true, Name = $"CollectivesSharp NCCL initialisation of {setup.Group}" }.Start();
    }

    private unsafe void Initialize()
    {
        nint communicator = 0;
        Exception? error = null;
        try
        {
            ncclConfig_t config = setup.Config();
            ncclUniqueId unique = MemoryMarshal.Read<ncclUniqueId>(id);
            using CudaContextScope scope = setup.Device.MakeCurrent();
            ncclResult_t result = NcclNative.ncclCommInitRankConfig((nint*)_word, count, unique, rank, &config);
            if (result == ncclResult_t.ncclSuccess)
                communicator = *(nint*)_word;
            else
                error = new NcclException($"Group {setup.Group}: ncclCommInitRankConfig, rank {rank} of {count} on {setup.Device}: {NcclLibrary.Describe(result)}", setup.Group, "", 0, result);
        }
        catch (Exception e)
        {
            error = e;
        }

        bool isMine;
        lock (_lock)
        {
            NativeMemory.Free((void*)_word);
            _word = 0;
            _hasEnded = true;
            isMine = _isAbandoned && !_isAborted && communicator != 0;
            _made = _isAbandoned ? 0 : communicator;
        }

        if (isMine)
            _ = NcclNative.ncclCommAbort(communicator);
        if (isMine || error is not null)
            setup.Release();
        if (error is null)
            _done.TrySetResult(communicator);
        else
            _done.TrySetException(error);
    }

    /// <summary>Gives the wait 5 s to end; a library that hangs on keeps its thread and the word that it may still write.</summary>
    private async Task EndAsync()
    {
        using CancellationTokenSource patience = new(s_patience);
        try
        {
            nint communicator;
            while (!TryTake(out communicator))
                await Task.Delay(5, patience.Token).ConfigureAwait(false);
            if (communicator != 0)
                new Thread(() => _ = NcclNative.ncclCommAbort(communicator)) { IsBackground = true, Name = "CollectivesSharp NCCL abort" }.Start();
            await ((Task)_done.Task).WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (OperationCanceledException)
        {
            // It is over for this group all the same.
        }
    }

    /// <summary>True once there is something to abort, or nothing to wait for.</summary>
    private unsafe bool TryTake(out nint communicator)
    {
        lock (_lock)
        {
            _isAbandoned = true;
            communicator = _hasEnded ? _made : Volatile.Read(ref *(nint*)_word);
            _made = 0;
            _isAborted = communicator != 0;
            return _hasEnded || _isAborted;
        }
    }
}
