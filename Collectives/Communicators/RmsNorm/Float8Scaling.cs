namespace CollectivesSharp;

/// <summary>Whether and how <see cref="GroupCoordinator.AllReduceRmsNorm(in AllReduceRmsNormOperands, nint)"/> quantises. Quantisation of rms_norm.cuh.</summary>
public enum Float8Scaling
{
    /// <summary>Not: the output has the input's type.</summary>
    None,

    /// <summary>e4m3 of y / scale, where the caller gives one scale for all rows: what is beyond ±448 becomes that.</summary>
    Static,

    /// <summary>e4m3 of y / scale, where each row's scale is its largest |y| / 448 (1 for a row of zeros), and is written.</summary>
    PerToken,
}
