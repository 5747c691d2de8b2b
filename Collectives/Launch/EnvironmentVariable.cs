using System.Globalization;

namespace CollectivesSharp;

internal readonly record struct EnvironmentVariable(string Name, string Value)
{
    public LaunchNumber Number() =>
        int.TryParse(Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? new LaunchNumber(number, ToString())
            : throw new LaunchException($"{this} is not a number from 0 to {int.MaxValue}. Correct {Name} or unset it.");

    public int Port() =>
        int.TryParse(Value, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and <= ushort.MaxValue
            ? port
            : throw new LaunchException($"{this} is not a port from 1 to {ushort.MaxValue}. Correct {Name} or unset it.");

    public override string ToString() => $"{Name}={Value}";
}
