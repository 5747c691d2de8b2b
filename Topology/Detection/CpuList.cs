using System.Globalization;

namespace CollectivesSharp.Topology;

/// <summary>The kernel's lists of processors: 0-31,64-95.</summary>
internal static class CpuList
{
    /// <summary>The kernel's own limit.</summary>
    internal const int MaxCpus = 8192;

    internal static bool IsValid(string text) => text.Length <= 4096 && Ranges(text) is not null;

    /// <summary>First and last of each range; null if the text is no such list.</summary>
    internal static List<(int First, int Last)>? Ranges(string text)
    {
        List<(int, int)> ranges = [];
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int dash = part.IndexOf('-');
            if (!int.TryParse(dash < 0 ? part : part.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(dash < 0 ? part : part.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int last) || last < first || last >= MaxCpus)
                return null;
            ranges.Add((first, last));
        }

        return ranges;
    }

    /// <summary>As cpumap files and NCCL write it: groups of 32 bits, highest first.</summary>
    internal static string Mask(string text)
    {
        List<(int First, int Last)> ranges = Ranges(text) ?? [];
        uint[] words = new uint[ranges.Count == 0 ? 1 : (ranges.Max(range => range.Last) / 32) + 1];
        foreach ((int first, int last) in ranges)
        {
            for (int cpu = first; cpu <= last; cpu++)
                words[cpu / 32] |= 1u << (cpu % 32);
        }

        return string.Join(',', words.Reverse().Select(word => word.ToString("x8", CultureInfo.InvariantCulture)));
    }

    /// <summary>The list that a mask stands for; empty if it is none.</summary>
    internal static string FromMask(string mask)
    {
        string[] words = mask.Split(',');
        List<string> ranges = [];
        int start = -1;
        for (int cpu = 0; cpu <= words.Length * 32 && cpu <= MaxCpus; cpu++)
        {
            bool set = false;
            if (cpu < words.Length * 32)
            {
                if (!uint.TryParse(words[^((cpu / 32) + 1)], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint word))
                    return "";
                set = (word & (1u << (cpu % 32))) != 0;
            }

            if (set && start < 0)
                start = cpu;
            if (!set && start >= 0)
            {
                ranges.Add(start == cpu - 1 ? $"{start}" : $"{start}-{cpu - 1}");
                start = -1;
            }
        }

        return string.Join(',', ranges);
    }
}
