using System.Text;

namespace CollectivesSharp;

/// <summary>
/// The outcome of a vote: a capability is on only if every member has it, and every member knows the same outcome. What one rank found out
/// on its own must never decide how it talks to the others.
/// </summary>
public sealed record GroupVote(string Capability, IReadOnlyDictionary<int, string> Objections)
{
    public bool IsOn => Objections.Count == 0;

    public override string ToString() => IsOn
        ? $"{Capability}: on"
        : $"{Capability}: off, {string.Join("; ", Objections.Select(objection => $"rank {objection.Key}: {objection.Value}"))}";

    /// <summary>
    /// Collective over the members. <paramref name="objection"/> null: this rank has the capability. The first member counts; who has not voted at
    /// the deadline objects.
    /// </summary>
    internal static async Task<GroupVote> HoldAsync(IStore store, string prefix, string capability, IReadOnlyList<int> ranks, int rankInGroup, string? objection, TimeSpan timeout, CancellationToken cancellationToken)
    {
        string Key(int member) => $"{prefix}/vote/{capability}/{member}";
        string resultKey = $"{prefix}/vote/{capability}/result";
        if (rankInGroup != 0)
        {
            await store.SetAsync(Key(rankInGroup), Encoding.UTF8.GetBytes(objection ?? ""), cancellationToken).ConfigureAwait(false);

            // The first member may use up the whole timeout waiting for somebody else: leave it the time to say so.
            byte[] result = await store.GetAsync(resultKey, timeout + StoreGrace, cancellationToken).ConfigureAwait(false);
            return Parse(capability, result);
        }

        Dictionary<int, string> objections = [];
        if (objection is not null)
            objections[ranks[0]] = objection;
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        for (int member = 1; member < ranks.Count; member++)
        {
            try
            {
                TimeSpan left = TimeSpan.FromMilliseconds(Math.Max(0, deadline - Environment.TickCount64));
                string vote = Encoding.UTF8.GetString(await store.GetAsync(Key(member), left, cancellationToken).ConfigureAwait(false));
                if (vote.Length > 0)
                    objections[ranks[member]] = vote;
            }
            catch (TimeoutException)
            {
                objections[ranks[member]] = $"did not vote within {timeout.TotalSeconds:0.###} s";
            }
        }

        GroupVote outcome = new(capability, objections);
        await store.SetAsync(resultKey, outcome.Format(), cancellationToken).ConfigureAwait(false);
        return outcome;
    }

    /// <summary>How much longer than its own deadline a member waits for what the first member concludes at its own.</summary>
    internal static TimeSpan StoreGrace { get; } = TimeSpan.FromSeconds(2);

    private byte[] Format() => Encoding.UTF8.GetBytes(string.Join('\n', Objections.Select(item => $"{item.Key} {item.Value.ReplaceLineEndings(" ")}")));

    private static GroupVote Parse(string capability, byte[] result) => new(
        capability,
        Encoding.UTF8.GetString(result).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', 2))
            .ToDictionary(parts => int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture), parts => parts[1]));
}
