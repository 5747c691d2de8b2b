namespace CollectivesSharp.Perf;

/// <summary>One way (out of place or in place) of one row. Time in microseconds a call, bandwidths in GB/s (10^9 bytes).</summary>
internal sealed record Measurement(double Time, double AlgorithmBandwidth, double BusBandwidth, long? Wrong);

internal sealed record Row(long Bytes, long Count, string Type, string Operation, int Root, Measurement? OutOfPlace, Measurement? InPlace);
