using System.Text.Json.Serialization;

namespace CollectivesSharp;

/// <summary>What each member says of itself when a group is made.</summary>
internal sealed record GroupHello
{
    public required GroupMember Member { get; init; }

    /// <summary>Everything that must be equal on all members, by the name that a person would look for.</summary>
    public required SortedDictionary<string, string> Agreed { get; init; }
}

/// <summary>What the first member makes of all the hellos; every member decides from this same text.</summary>
internal sealed record GroupRoster
{
    public required long Generation { get; init; }

    /// <summary>In the order of the group; null for who did not arrive.</summary>
    public required GroupHello?[] Hellos { get; init; }
}

[JsonSerializable(typeof(GroupHello))]
[JsonSerializable(typeof(GroupRoster))]
[JsonSerializable(typeof(SegmentOffer))]
[JsonSerializable(typeof(MeshOffer))]
internal sealed partial class GroupJson : JsonSerializerContext;
