using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>
/// What <see cref="GroupCoordinator.AllReduceRmsNorm(in AllReduceRmsNormOperands, nint)"/> works on. Matrices are <see cref="Rows"/> × <see cref="Columns"/> without gaps, row by row. Device pointers, aligned to their element
/// and no more; memory overlaps only where a property says so. All but the pointers is equal on all ranks.
/// </summary>
public readonly record struct AllReduceRmsNormOperands
{
    /// <summary>This rank's part of the sum, a matrix. Undefined afterwards: a route may reduce in place.</summary>
    public required nint Input { get; init; }

    /// <summary>A matrix, the same on every rank: who adds it depends on the route.</summary>
    public required nint Residual { get; init; }

    /// <summary>A matrix: the sum over the ranks, rounded to <see cref="Type"/>, plus the residual, rounded again. <see cref="Residual"/> itself, or 0, which means that.</summary>
    public nint ResidualOutput { get; init; }

    /// <summary>A row, the same on every rank.</summary>
    public required nint Weight { get; init; }

    /// <summary>A matrix, of <see cref="Type"/>, and then it may be <see cref="Input"/>; or, by <see cref="Scaling"/>, of e4m3.</summary>
    public required nint Output { get; init; }

    public Float8Scaling Scaling { get; init; }

    /// <summary>Floats: one for <see cref="Float8Scaling.Static"/>, which the device reads and every rank has the same; a row each for <see cref="Float8Scaling.PerToken"/>, which the call writes.</summary>
    public nint Scale { get; init; }

    /// <summary>Tokens. 0: nothing happens.</summary>
    public required nuint Rows { get; init; }

    /// <summary>The hidden size.</summary>
    public required nuint Columns { get; init; }

    /// <summary>float32, float16 or bfloat16.</summary>
    public required DataType Type { get; init; }

    /// <summary>Added to the mean of the squares; 0 or more.</summary>
    public required float Epsilon { get; init; }

    /// <summary>Null: what the group takes for the fastest. One that the group can't take throws <see cref="NotSupportedException"/>.</summary>
    public AllReduceRmsNormRoute? Route { get; init; }

    /// <summary>Throws <see cref="ArgumentException"/> for what no rank could do.</summary>
    internal void Check()
    {
        if (Type is not (DataType.Float32 or DataType.Float16 or DataType.BFloat16))
            throw new NotSupportedException($"AllReduceRmsNorm of {Type}: it is made for {DataType.Float32}, {DataType.Float16} and {DataType.BFloat16}.");
        ArgumentOutOfRangeException.ThrowIfZero(Columns);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Columns, (nuint)int.MaxValue);
        if (!float.IsFinite(Epsilon) || Epsilon < 0)
            throw new ArgumentOutOfRangeException(nameof(Epsilon), Epsilon, "Epsilon is added to the mean of squares: 0 or more.");
        if (Scaling is < Float8Scaling.None or > Float8Scaling.PerToken)
            throw new ArgumentOutOfRangeException(nameof(Scaling), Scaling, "No such scaling.");
        if ((UInt128)Rows * Columns * (uint)Type.SizeInBytes() > (UInt128)nint.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(Rows), Rows, $"{Rows} rows of {Columns} × {Type} are more bytes than there are addresses.");
        if (Rows == 0)
            return;
        nuint size = (nuint)Type.SizeInBytes(), matrix = Rows * Columns * size, output = Scaling == Float8Scaling.None ? matrix : Rows * Columns, scale = Scaling == Float8Scaling.PerToken ? Rows * sizeof(float) : 0;
        nint sum = ResidualOutput == 0 ? Residual : ResidualOutput;
        Separate(Input, matrix, nameof(Input), sum, matrix, nameof(ResidualOutput));
        Separate(Input, matrix, nameof(Input), Residual, matrix, nameof(Residual));
        Separate(Output, output, nameof(Output), sum, matrix, nameof(ResidualOutput));
        Separate(Output, output, nameof(Output), Residual, matrix, nameof(Residual));
        Separate(Output, output, nameof(Output), Weight, Columns * size, nameof(Weight));
        Separate(Input, matrix, nameof(Input), Weight, Columns * size, nameof(Weight));
        Separate(sum, matrix, nameof(ResidualOutput), Weight, Columns * size, nameof(Weight));
        if (sum != Residual)
            Separate(sum, matrix, nameof(ResidualOutput), Residual, matrix, nameof(Residual));
        if (Scaling != Float8Scaling.None || Output != Input)
            Separate(Output, output, nameof(Output), Input, matrix, nameof(Input));
        Separate(Scale, scale, nameof(Scale), Output, output, nameof(Output));
        Separate(Scale, scale, nameof(Scale), Input, matrix, nameof(Input));
        Separate(Scale, scale, nameof(Scale), sum, matrix, nameof(ResidualOutput));
        Separate(Scale, scale, nameof(Scale), Residual, matrix, nameof(Residual));
        Separate(Scale, scale, nameof(Scale), Weight, Columns * size, nameof(Weight));
    }

    public override string ToString() => $"AllReduceRmsNorm({Rows} × {Columns} × {Type}{(Scaling == Float8Scaling.None ? "" : $", e4m3 {Scaling}")})";

    private static void Separate(nint one, nuint oneBytes, string oneName, nint other, nuint otherBytes, string otherName)
    {
        if ((nuint)one < (nuint)other + otherBytes && (nuint)other < (nuint)one + oneBytes)
            throw new ArgumentException($"AllReduceRmsNorm: {oneName} (0x{one:x}, {oneBytes} bytes) and {otherName} (0x{other:x}, {otherBytes} bytes) overlap.");
    }
}
