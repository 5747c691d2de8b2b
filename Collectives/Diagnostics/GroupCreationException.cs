namespace CollectivesSharp;

/// <summary>A group could not be made; thrown on every member that takes part, with the same reason.</summary>
public class GroupCreationException : Exception
{
    public GroupCreationException(string message)
        : base(message)
    {
    }

    public GroupCreationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
