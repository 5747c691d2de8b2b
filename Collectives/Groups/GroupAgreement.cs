using System.Globalization;
using System.Reflection;

namespace CollectivesSharp;

/// <summary>Compares what the members of a group to be have said; a pure function, so that all of them come to the same verdict.</summary>
internal static class GroupAgreement
{
    internal static string SdkVersion { get; } =
        typeof(GroupAgreement).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    internal static SortedDictionary<string, string> Terms(GroupOptions options, int worldSize) => new(StringComparer.Ordinal)
    {
        ["SDK version"] = SdkVersion,
        ["segment layout"] = SegmentLayout.Version.ToString(CultureInfo.InvariantCulture),
        ["byte order"] = BitConverter.IsLittleEndian ? "little" : "big",
        ["world size"] = worldSize.ToString(CultureInfo.InvariantCulture),
        ["GroupOptions.Name"] = options.Name,
        ["GroupOptions.Timeout"] = options.Timeout.ToString("c", CultureInfo.InvariantCulture),
        ["host transport"] = HostTransports.Resolve(options)?.Name ?? HostTransports.Builtin,
        ["GroupOptions.DeviceTimeout"] = options.DeviceTimeout.ToString("c", CultureInfo.InvariantCulture),
        ["GroupOptions.Nccl"] = (options.Nccl ?? new NcclOptions()).ToString(),
        ["GroupOptions.ArenaBytes"] = options.ArenaBytes.ToString(CultureInfo.InvariantCulture),
        ["route of all-reduces"] = RoutePreference.Resolve(options)?.ToString() ?? "the fastest",
        ["GroupOptions.AllReducePolicy"] = options.AllReducePolicy.ToString(),
        ["GroupOptions.AllReduceTuning"] = options.AllReduceTuning.ToString(),
        ["GroupOptions.AllReduceTuner"] = (options.AllReduceTuner ?? new AllReduceTunerOptions()).ToString(),
        ["GroupOptions.HostChunkBytes"] = options.HostChunkBytes.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>Null, or "SDK version: ranks 0, 1 have 1.0, rank 2 has 1.1; ...".</summary>
    internal static string? FindMismatch(IReadOnlyList<GroupHello> hellos)
    {
        IEnumerable<string> differing = hellos.SelectMany(hello => hello.Agreed.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(term => (term, values: hellos.OrderBy(hello => hello.Member.Rank).GroupBy(hello => hello.Agreed.GetValueOrDefault(term, "none"), hello => hello.Member.Rank, StringComparer.Ordinal).ToArray()))
            .Where(item => item.values.Length > 1)
            .Select(item => $"{item.term}: {string.Join(", ", item.values.Select(ranks => $"{GroupMember.NameRanks(ranks)} {(ranks.Count() == 1 ? "has" : "have")} {ranks.Key}"))}");
        string text = string.Join("; ", differing);
        return text.Length == 0 ? null : text;
    }
}
