namespace CollectivesSharp;

/// <summary>The members of a group to be run different versions or asked for different options; the message says who differs in what.</summary>
public sealed class GroupMismatchException(string message) : GroupCreationException(message);
