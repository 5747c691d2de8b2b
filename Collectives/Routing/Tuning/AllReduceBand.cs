namespace CollectivesSharp;

/// <summary>The fastest route up to a size, from where the band before ends.</summary>
/// <param name="UpTo">Bytes of input, inclusive.</param>
/// <param name="Route">Measured to be the fastest.</param>
public readonly record struct AllReduceBand(nuint UpTo, AllReduceRoute Route);
