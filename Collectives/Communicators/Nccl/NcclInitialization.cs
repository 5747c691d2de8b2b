using System.Runtime.InteropServices;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// ncclCommInitRankConfig, which blocks until every rank has come, on a thread of its own. NCCL stores the communicator before it begins to wait: at the deadline it is aborted from outside, which ends the wait.
/// </summary>
internal sealed class NcclInitialization(NcclSetup setup, byte[] id, int rank, int count)
{
    private readonly TaskCompletionSource<nint> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>One word of native memory: written by NCCL while the thread is inside.</summary>
    private nint _word;

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
        try
        {
            ncclConfig_t config = setup.Config();
            ncclUniqueId unique = MemoryMarshal.Read<ncclUniqueId>(id);
            using CudaContextScope scope = setup.Device.MakeCurrent();
            ncclResult_t result = NcclNative.ncclCommInitRankConfig((nint*)_word, count, unique, rank, &config);
            if (result == ncclResult_t.ncclSuccess)
                _done.TrySetResult(*(nint*)_word);
            else
                _done.TrySetException(new NcclException($"Group {setup.Group}: ncclCommInitRankConfig, rank {rank} of {count} on {setup.Device}: {NcclLibrary.Describe(result)}", setup.Group, "", 0, result));
        }
        catch (Exception e)
        {
            _done.TrySetException(e);
        }
    }

    private unsafe nint ReadWord() => Volatile.Read(ref *(nint*)_word);

    /// <summary>Gives the wait 5 s to end; a library that hangs on keeps its thread and the word that it may still write.</summary>
    private async Task EndAsync()
    {
        nint communicator = ReadWord();
        if (communicator == 0)
            return;
        Thread abort = new(() => _ = NcclNative.ncclCommAbort(communicator)) { IsBackground = true, Name = "CollectivesSharp NCCL abort" };
        abort.Start();
        try
        {
            await _done.Task.WaitAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or NcclException)
        {
            // Either way it is over for this group.
        }
    }
}
