namespace CollectivesSharp;

/// <summary>
/// The environment names half a rank or contradicts itself. The message names each variable with its value and says what to change.
/// </summary>
public sealed class LaunchException : Exception
{
    public LaunchException()
    {
    }

    public LaunchException(string message)
        : base(message)
    {
    }

    public LaunchException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
