using System.Globalization;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>A send, a receive or both, for the messages of exceptions. Peers are ranks in the world; <see cref="HostMessage.Any"/> as it is.</summary>
internal readonly record struct MessageCall(string? Verb, DataType Type, nuint Count, int Peer, int Tag)
{
    public override string ToString() => Verb is null
        ? ""
        : $"{Verb}({Count} × {Type}, {(Verb == "Receive" ? "from" : "to")} {(Peer == HostMessage.Any ? "any rank" : $"rank {Peer}")}, {(Tag == HostMessage.Any ? "any tag" : $"tag {Tag.ToString(CultureInfo.InvariantCulture)}")})";
}
