namespace CollectivesSharp.Topology;

/// <summary>Names with numbers in them as people order them: mlx5_2 before mlx5_10.</summary>
internal sealed class NaturalOrder : IComparer<string>
{
    internal static NaturalOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        ReadOnlySpan<char> left = x, right = y;
        while (!left.IsEmpty && !right.IsEmpty)
        {
            int leftDigits = Digits(left), rightDigits = Digits(right);
            if (leftDigits > 0 && rightDigits > 0)
            {
                ReadOnlySpan<char> a = left[..leftDigits].TrimStart('0'), b = right[..rightDigits].TrimStart('0');
                int order = a.Length != b.Length ? a.Length - b.Length : a.SequenceCompareTo(b);
                if (order != 0)
                    return order;
                left = left[leftDigits..];
                right = right[rightDigits..];
            }
            else if (left[0] != right[0])
            {
                return left[0] - right[0];
            }
            else
            {
                left = left[1..];
                right = right[1..];
            }
        }

        return left.Length != right.Length ? left.Length - right.Length : string.CompareOrdinal(x, y);
    }

    private static int Digits(ReadOnlySpan<char> text) => text.IndexOfAnyExceptInRange('0', '9') switch { < 0 => text.Length, var end => end };
}
