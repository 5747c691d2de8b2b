using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>MPI can't be used here, or a call of it failed.</summary>
internal sealed class MpiException(string message) : Exception(message)
{
    internal static void ThrowIfFailed(int error, string call)
    {
        if (error != MpiAbi.MPI_SUCCESS)
            throw new MpiException($"{call} on {MpiLibrary.Version}: {MpiNative.Describe(error)}");
    }
}
