using System.Collections.Immutable;

namespace CollectivesSharp.Topology;

/// <summary>Warnings, each once, and an end to them.</summary>
internal sealed class WarningList
{
    private const int Most = 200;

    private readonly List<TopologyWarning> _list = [];
    private readonly HashSet<TopologyWarning> _seen = [];

    internal void Add(TopologyWarningKind kind, string subject, string message)
    {
        TopologyWarning warning = new(kind, Clean(subject), Clean(message));
        if (_list.Count < Most && _seen.Add(warning))
            _list.Add(warning);
    }

    internal ImmutableArray<TopologyWarning> ToImmutable() => [.. _list];

    /// <summary>Text of files goes into logs: one line, no control characters, not without end.</summary>
    private static string Clean(string text)
    {
        string shorter = text.Length > 400 ? text[..400] + "…" : text;
        return shorter.AsSpan().ContainsAnyInRange('\0', '\u001f') ? string.Concat(shorter.Select(c => char.IsControl(c) ? ' ' : c)) : shorter;
    }
}
