namespace CollectivesSharp;

/// <summary>A number with the variables that it came from, for messages: 4 from "WORLD_SIZE=4".</summary>
internal readonly record struct LaunchNumber(int Value, string Source);
