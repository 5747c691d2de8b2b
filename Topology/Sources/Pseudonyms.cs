using System.Globalization;
using System.Text.RegularExpressions;

namespace CollectivesSharp.Topology;

/// <summary>Replaces what names a machine by numbers of first appearance, equal by equal, so that cards and ports stay recognisable.</summary>
internal sealed partial class Pseudonyms
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>An entry of a recording, by the file's name.</summary>
    internal string Replace(string path, string entry)
    {
        if (!entry.StartsWith("= ", StringComparison.Ordinal))
            return ReplaceUuids(entry);
        string name = path[(path.LastIndexOf('/') + 1)..];
        if (name is "node_guid" or "sys_image_guid")
            return Guid().Replace(entry, match => Hidden(match.Value, 0));
        if (path.Contains("/gids/", StringComparison.Ordinal))
            return Gid().Replace(entry, match => Hidden(match.Value, Math.Max(1, Prefix(match.Value))));
        if (name == "cgroup")
            return "= " + string.Join("\\n", Signs().Matches(entry).Select(match => match.Value).Distinct());
        return ReplaceUuids(entry);
    }

    internal string ReplaceUuids(string text) => Cluster().Replace(Uuid().Replace(text, match => Hidden(match.Value, 0, '-')), match => Hidden(match.Value, 0, '\0'));

    /// <summary>Groups that say what kind of address it is: fe80, or the zeros and ffff before an IPv4 address.</summary>
    private static int Prefix(string gid) => gid.StartsWith("fe80:", StringComparison.OrdinalIgnoreCase) ? 4 : gid.StartsWith("0000:0000:0000:0000:0000:ffff:", StringComparison.OrdinalIgnoreCase) ? 6 : 0;

    /// <summary>Same form: the digits of a number from the right, behind the <paramref name="kept"/> first groups. All zeros stay.</summary>
    private string Hidden(string value, int kept, char separator = ':')
    {
        if (!value.AsSpan().ContainsAnyExcept("0:-"))
            return value;
        if (!_numbers.TryGetValue(value, out int number))
            _numbers[value] = number = _numbers.Count + 1;
        string digits = number.ToString("x", CultureInfo.InvariantCulture);
        char[] result = value.ToCharArray();
        int from = 0;
        for (int groups = 0; groups < kept && from < result.Length; from++)
            groups += result[from] == separator ? 1 : 0;
        int digit = digits.Length - 1;
        for (int i = result.Length - 1; i >= from; i--)
        {
            if (char.IsAsciiHexDigit(result[i]))
                result[i] = digit >= 0 ? digits[digit--] : '0';
        }

        return new string(result);
    }

    [GeneratedRegex("[0-9a-fA-F]{4}(:[0-9a-fA-F]{4}){3}")]
    private static partial Regex Guid();

    [GeneratedRegex("[0-9a-fA-F]{4}(:[0-9a-fA-F]{4}){7}")]
    private static partial Regex Gid();

    [GeneratedRegex("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")]
    private static partial Regex Uuid();

    [GeneratedRegex("(?<=\")[0-9a-f]{32}(?=\")")]
    private static partial Regex Cluster();

    [GeneratedRegex("kubepods|docker|containerd|libpod|lxc")]
    private static partial Regex Signs();
}
