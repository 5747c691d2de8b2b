namespace CollectivesSharp;

/// <summary>A piece of every rank's device memory that all of them reach; its first <see cref="PingPong.Bytes"/> bytes are zero.</summary>
internal interface IPairMemory : IDisposable
{
    /// <summary>CUdeviceptr.</summary>
    nint Own { get; }

    /// <summary>Another rank's, as this rank's device sees it.</summary>
    nint Address(int rank);
}
