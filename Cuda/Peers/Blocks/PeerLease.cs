namespace CollectivesSharp.Cuda;

/// <summary>The part of a block that a slice has.</summary>
internal sealed record PeerLease(PeerBlock Block, nuint Offset, nuint Bytes)
{
    internal nint Address => Block.Address + (nint)Offset;
}
