namespace CollectivesSharp.Perf.RmsNorm;

/// <summary>Microseconds a call by route, in the order of <see cref="AllReduceRmsNormRoute"/>; null where a route does not take it. <paramref name="Wrong"/>: bytes of the fused routes that differ from the separate one's.</summary>
internal sealed record RmsNormRow(int Tokens, long Bytes, double?[] Times, AllReduceRmsNormRoute Chosen, AllReduceRoute Separate, long Wrong)
{
    /// <summary>The separate route's time over the chosen one's.</summary>
    internal double Ratio => Times[0]!.Value / Times[(int)Chosen]!.Value;
}
