using Xunit;

namespace CollectivesSharp.Native;

internal static class Expect
{
    /// <summary>Fails with all of them, where Assert.Empty would cut the list off.</summary>
    public static void None(IEnumerable<string> faults)
    {
        string text = string.Join(Environment.NewLine, faults);
        Assert.True(text.Length == 0, text);
    }
}
