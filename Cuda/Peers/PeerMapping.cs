namespace CollectivesSharp.Cuda;

/// <summary>How a rank reaches a slice.</summary>
public enum PeerMapping
{
    /// <summary>The rank's own memory.</summary>
    Own,

    /// <summary>A plain pointer: the other rank is a thread of this process.</summary>
    SameProcess,

    /// <summary>Virtual memory whose descriptor another process has handed over (cuMemImportFromShareableHandle).</summary>
    Descriptor,

    /// <summary>CUDA IPC (cuIpcOpenMemHandle), where descriptors are refused.</summary>
    Ipc,
}
