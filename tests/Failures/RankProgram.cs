using System.Globalization;
using System.Text.Json;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Failures;

/// <summary>What a rank saw of the end of its group; one line of JSON on standard output.</summary>
public sealed record Outcome(string Exception, string Message, int LostRank, string? LostHost, int LostProcess, string? Reason, string? Operation, long Sequence);

/// <summary>The ranks that the tests start.</summary>
internal static class RankProgram
{
    internal const int Faulted = 42;

    internal static async Task<int> RunAsync(string kind, string[] arguments)
    {
        ProcessLauncher.EndWithLauncher();
        switch (kind)
        {
            case "loop":
                return await LoopAsync(TimeSpan.FromMilliseconds(int.Parse(arguments[0], CultureInfo.InvariantCulture)), arguments.ElementAtOrDefault(1) ?? "AllReduce");
            case "check":
                return await CheckAsync(TimeSpan.FromMilliseconds(int.Parse(arguments[0], CultureInfo.InvariantCulture)), int.Parse(arguments[1], CultureInfo.InvariantCulture));
            case "exit":
                return LaunchEnvironment.Detect().Rank.ToString(CultureInfo.InvariantCulture) == arguments[0] ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : WaitForEver();
            case "launch":
                return await new ProcessLauncher { Command = ProcessLauncher.SameProgram(["--rank", .. arguments[1..]]), WorldSize = int.Parse(arguments[0], CultureInfo.InvariantCulture) }.RunAsync();
            default:
                throw new ArgumentException(kind);
        }
    }

    /// <summary>One collective, or all of them mixed, in all sizes until the group ends.</summary>
    private static async Task<int> LoopAsync(TimeSpan timeout, string collective)
    {
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions { Timeout = timeout });
        CollectiveCalls calls = new(group);
        group.Barrier();
        Say("ready");
        try
        {
            while (true)
                calls.Call(collective);
        }
        catch (CollectiveException e)
        {
            Say(e);
            return Faulted;
        }
    }

    /// <summary>Sums and messages whose values are known; "right" at the end.</summary>
    private static async Task<int> CheckAsync(TimeSpan timeout, int rounds)
    {
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions { Timeout = timeout });
        Say("ready");
        try
        {
            int next = (group.RankInGroup + 1) % group.WorldSize, previous = (group.RankInGroup + group.WorldSize - 1) % group.WorldSize;
            for (int round = 0; round < rounds; round++)
            {
                int[] values = new int[1 << (round % 18)], received = new int[values.Length];
                Array.Fill(values, round + group.RankInGroup);
                group.SendReceive<int>(values, next, received, previous);
                group.AllReduce<int>(values, values);
                if (received.AsSpan().ContainsAnyExcept(round + previous) || values.AsSpan().ContainsAnyExcept((round * group.WorldSize) + (group.WorldSize * (group.WorldSize - 1) / 2)))
                    throw new InvalidOperationException($"round {round}: wrong values");
            }

            Say("right");
            return 0;
        }
        catch (CollectiveException e)
        {
            Say(e);
            return Faulted;
        }
    }

    private static void Say(CollectiveException e)
    {
        PeerLostException? lost = e as PeerLostException;
        Say(JsonSerializer.Serialize(new Outcome(e.GetType().Name, e.Message, lost?.Rank ?? -1, lost?.Host, lost?.ProcessId ?? 0, lost?.Reason.ToString(), e.Operation, e.Sequence)));
    }

    private static int WaitForEver()
    {
        Say("ready");
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    /// <summary>One write a line: ranks that share a pipe don't tear each other's.</summary>
    private static unsafe void Say(string line)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(line + "\n");
        fixed (byte* data = bytes)
            PosixNative.write(1, data, (nuint)bytes.Length);
    }
}
