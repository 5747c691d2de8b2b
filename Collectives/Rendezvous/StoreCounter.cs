using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace CollectivesSharp;

/// <summary>A counter as every store keeps it: a value of decimal text.</summary>
internal static class StoreCounter
{
    /// <summary>The new value; <paramref name="current"/> null counts from 0. Throws <see cref="StoreException"/> if it is no counter.</summary>
    internal static long Add(string key, byte[]? current, long delta)
    {
        long value = 0;
        if (current is not null && !(Utf8Parser.TryParse(current, out value, out int consumed) && consumed == current.Length))
            throw new StoreException($"Add on key '{key}': its value is no counter but {current.Length} bytes written by Set.");
        try
        {
            return checked(value + delta);
        }
        catch (OverflowException)
        {
            throw new StoreException($"Add on key '{key}': {value} and {delta} exceed 64 bits.");
        }
    }

    internal static byte[] Format(long value) => Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture));
}
