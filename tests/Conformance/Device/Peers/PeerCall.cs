namespace CollectivesSharp.Conformance.Device;

/// <summary>One all-reduce. Offsets: how many elements a buffer begins behind a multiple of 16 bytes.</summary>
internal readonly record struct PeerCall(AllReduceRoute Route, ReduceOp Op, int Count, bool InPlace, int InputOffset, int OutputOffset, int Seed);
