namespace CollectivesSharp;

/// <summary>The byte stream to and from one peer. Nothing here waits: what does not fit now is offered again. One thread at a time.</summary>
internal abstract unsafe class PeerChannel : IDisposable
{
    /// <summary>Takes as much of the two, one behind the other, as fits now; returns how many bytes.</summary>
    internal abstract nuint Write(byte* header, nuint headerBytes, byte* payload, nuint payloadBytes);

    /// <summary>Gives what is there now, at most <paramref name="bytes"/>.</summary>
    internal abstract nuint Read(byte* target, nuint bytes);

    /// <summary>To be polled; -1 for a channel whose peer rings this rank's bell.</summary>
    internal abstract int Descriptor { get; }

    /// <summary>Set once the other end is gone and everything that came from it has been read.</summary>
    internal bool IsClosed { get; private protected set; }

    /// <summary>Null if it ended by itself; otherwise what the network said.</summary>
    internal string? Error { get; private protected set; }

    /// <summary>Nothing more will be written; the peer learns so.</summary>
    internal virtual void EndWriting()
    {
    }

    /// <summary>Once the peer has ended its stream: takes in the rest of it, so that it can be looked through before it is read.</summary>
    internal virtual ReadOnlySpan<byte> TakeInRest() => [];

    /// <summary>Milliseconds since the peer's machine was last heard of, while something that was sent to it is not confirmed; 0 otherwise.</summary>
    internal virtual long UnconfirmedFor => 0;

    /// <summary>The peer is out of reach: what there was of it has been read.</summary>
    internal void GiveUp(string error)
    {
        Error = error;
        IsClosed = true;
    }

    /// <summary>Bytes that the peer's machine has not confirmed yet.</summary>
    internal virtual long Unconfirmed => 0;

    public abstract void Dispose();
}
