using System.Runtime.CompilerServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Looks for a message that nobody has asked for yet. Wants <see cref="MpiRuntime.Lock"/>, and the receive under the same hold of it.</summary>
internal static unsafe class MpiProbe
{
    /// <summary><paramref name="source"/>: the sender's rank in the world. Not inlined, for the reason that <see cref="MpiRequests"/> gives.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static bool Look(int tag, out int source, out nuint bytes)
    {
        byte* status = stackalloc byte[MpiAbi.MaxStatusBytes];
        int flag = 0, count = 0;
        (source, bytes) = (-1, 0);
        MpiException.ThrowIfFailed(MpiNative.MPI_Iprobe(MpiRuntime.Abi.MPI_ANY_SOURCE, tag, MpiRuntime.Communicator, &flag, status), nameof(MpiNative.MPI_Iprobe));
        if (flag == 0)
            return false;
        MpiException.ThrowIfFailed(MpiNative.MPI_Get_count(status, MpiRuntime.Abi.MPI_BYTE, &count), nameof(MpiNative.MPI_Get_count));
        source = *(int*)(status + MpiRuntime.Abi.SourceInStatus);
        bytes = (nuint)count;
        return true;
    }
}
