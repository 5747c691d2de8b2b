using System.Globalization;
using System.Numerics;

namespace CollectivesSharp;

/// <summary>How many processors the ranks of a node have between them: launchers bind each rank to its own, so no rank sees it alone.</summary>
internal static class AllowedProcessors
{
    /// <summary>The mask of this process as the kernel prints it; one word of ones where it is hidden.</summary>
    internal static string Own()
    {
        try
        {
            const string Key = "Cpus_allowed:";
            string? line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
            if (line is not null)
                return line[Key.Length..].Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }

        return ((1UL << Math.Min(Environment.ProcessorCount, 63)) - 1).ToString("x", CultureInfo.InvariantCulture);
    }

    /// <summary>The union of the masks, but no more than the quotas of the processes leave.</summary>
    internal static int CountUnion(IReadOnlyCollection<GroupMember> members)
    {
        BigInteger union = members.Aggregate(BigInteger.Zero, (mask, member) => mask | Parse(member.AllowedProcessors));
        int bits = Count(union);
        int quota = members.DistinctBy(member => member.ProcessId).Sum(member => Math.Min(member.ProcessorCount, Count(Parse(member.AllowedProcessors))));
        return Math.Max(1, Math.Min(bits, quota));
    }

    private static BigInteger Parse(string mask) =>
        BigInteger.TryParse("0" + mask.Replace(",", "", StringComparison.Ordinal), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out BigInteger value) ? value : BigInteger.One;

    private static int Count(BigInteger mask)
    {
        int count = 0;
        foreach (byte part in mask.ToByteArray(isUnsigned: true))
            count += BitOperations.PopCount(part);
        return count;
    }
}
