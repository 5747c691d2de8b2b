using System.Globalization;

namespace CollectivesSharp;

/// <summary>Which GPU a rank takes: <see cref="Auto"/>, <see cref="None"/>, <see cref="Required"/>, or an ordinal among the visible ones (an int converts).</summary>
public readonly record struct DeviceChoice
{
    internal const string Variable = "COLLECTIVES_DEVICE";

    private const int AutoCode = 0;
    private const int NoneCode = -1;
    private const int RequiredCode = -2;

    private readonly int _code;

    private DeviceChoice(int code) => _code = code;

    /// <summary>
    /// The local rank's among the visible ones, the only one if one is visible; without a GPU, or without a way between the ranks' GPUs, the group moves host memory only and says why when device
    /// memory is passed.
    /// </summary>
    public static DeviceChoice Auto => default;

    /// <summary>Host memory only; no driver is touched.</summary>
    public static DeviceChoice None => new(NoneCode);

    /// <summary>As <see cref="Auto"/>, but a group that can't move device memory is not made.</summary>
    public static DeviceChoice Required => new(RequiredCode);

    /// <summary>Null unless one was named.</summary>
    public int? Ordinal => _code > 0 ? _code - 1 : null;

    /// <summary>Whether a group without device memory is an error.</summary>
    public bool IsRequired => _code is RequiredCode or > 0;

    public static implicit operator DeviceChoice(int ordinal) => FromInt32(ordinal);

    public static DeviceChoice FromInt32(int ordinal)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ordinal);
        ArgumentOutOfRangeException.ThrowIfEqual(ordinal, int.MaxValue);
        return new(ordinal + 1);
    }

    public override string ToString() => _code switch
    {
        AutoCode => "auto",
        NoneCode => "none",
        RequiredCode => "required",
        _ => Ordinal!.Value.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>COLLECTIVES_DEVICE: auto, none, required or an ordinal.</summary>
    internal static DeviceChoice FromEnvironment() => Parse(Environment.GetEnvironmentVariable(Variable));

    internal static DeviceChoice Parse(string? value) => value switch
    {
        null or "" or "auto" => Auto,
        "none" => None,
        "required" => Required,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal) && ordinal < int.MaxValue => ordinal,
        var text => throw new LaunchException($"{Variable}={text}: expected auto, none, required or the ordinal of a visible GPU."),
    };
}
