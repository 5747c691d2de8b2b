namespace CollectivesSharp;

/// <summary>Which collective a call is; part of what ranks compare at every call.</summary>
public enum CollectiveKind : byte
{
    None = 0,
    AllReduce = 1,
    Broadcast = 2,
    Barrier = 3,
}
