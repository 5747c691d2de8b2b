using Xunit;

namespace CollectivesSharp.Unit.Device;

public sealed class DeviceChoiceTests
{
    [Theory]
    [InlineData(null, "auto", false, null)]
    [InlineData("", "auto", false, null)]
    [InlineData("auto", "auto", false, null)]
    [InlineData("none", "none", false, null)]
    [InlineData("required", "required", true, null)]
    [InlineData("0", "0", true, 0)]
    [InlineData("7", "7", true, 7)]
    public void COLLECTIVES_DEVICE_names_a_choice(string? value, string name, bool isRequired, int? ordinal)
    {
        DeviceChoice choice = DeviceChoice.Parse(value);
        Assert.Equal((name, isRequired, ordinal), (choice.ToString(), choice.IsRequired, choice.Ordinal));
    }

    [Theory]
    [InlineData("gpu0")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1,2")]
    [InlineData(" 1")]
    [InlineData("0x1")]
    [InlineData("Auto")]
    [InlineData("99999999999")]
    public void Anything_else_is_refused_with_what_is_expected(string value) => Assert.Equal(
        $"COLLECTIVES_DEVICE={value}: expected auto, none, required or the ordinal of a visible GPU.", Assert.Throws<LaunchException>(() => DeviceChoice.Parse(value)).Message);

    [Fact]
    public void The_largest_number_is_refused_like_the_others() => Assert.Throws<LaunchException>(() => DeviceChoice.Parse("2147483647"));

    [Fact]
    public void A_negative_ordinal_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => DeviceChoice.FromInt32(-1));

    [Fact]
    public void No_device_is_looked_for_where_none_is_wanted()
    {
        DeviceSelection selection = DeviceSelection.Choose(new GroupOptions { Device = DeviceChoice.None }, 0, null);
        Assert.Equal((null, "no GPU is to be used (GroupOptions.Device or COLLECTIVES_DEVICE)", false), (selection.Device, selection.Objection, selection.IsRequired));
    }
}
