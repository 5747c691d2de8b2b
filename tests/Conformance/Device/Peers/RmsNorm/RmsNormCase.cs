namespace CollectivesSharp.Conformance.Device;

/// <summary>One AllReduceRmsNorm. Offset: how many elements each buffer begins behind a multiple of 16 bytes. Calls of one seed have the same numbers.</summary>
internal readonly record struct RmsNormCase(AllReduceRmsNormRoute? Route, int Rows, int Columns, Float8Scaling Scaling, bool InPlace, bool ResidualInPlace, int Offset, int Seed);
