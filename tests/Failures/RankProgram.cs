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
                return await LoopAsync(TimeSpan.FromMilliseconds(int.Parse(arguments[0], CultureInfo.InvariantCulture)));
            case "create":
                return await CreateAsync(arguments[0], arguments[1]);
            case "exit":
                return LaunchEnvironment.Detect().Rank.ToString(CultureInfo.InvariantCulture) == arguments[0] ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : WaitForEver();
            case "launch":
                return await new ProcessLauncher { Command = ProcessLauncher.SameProgram(["--rank", .. arguments[1..]]), WorldSize = int.Parse(arguments[0], CultureInfo.InvariantCulture) }.RunAsync();
            default:
                throw new ArgumentException(kind);
        }
    }

    /// <summary>All-reduces of all sizes until the group ends.</summary>
    private static async Task<int> LoopAsync(TimeSpan timeout)
    {
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions { Timeout = timeout });
        float[] values = new float[200_000];
        int[] lengths = [1, 100_000, 300, 5000, 200_000, 0, 20_000];
        Random random = new(1);
        group.Barrier();
        Say("ready");
        try
        {
            while (true)
            {
                Span<float> part = values.AsSpan(0, lengths[random.Next(lengths.Length)]);
                group.AllReduce<float>(part, part, ReduceOp.Max);
            }
        }
        catch (CollectiveException e)
        {
            PeerLostException? lost = e as PeerLostException;
            Say(JsonSerializer.Serialize(new Outcome(e.GetType().Name, e.Message, lost?.Rank ?? -1, lost?.Host, lost?.ProcessId ?? 0, lost?.Reason.ToString(), e.Operation, e.Sequence)));
            return Faulted;
        }
    }

    /// <summary>Makes a group and says how that ended; rank 1 with a transport and an MPI library of its own, "-" for the same as all.</summary>
    private static async Task<int> CreateAsync(string transport, string library)
    {
        if (LaunchEnvironment.Detect().Rank == 1)
        {
            if (transport != "-")
                Environment.SetEnvironmentVariable("COLLECTIVES_HOST_TRANSPORT", transport);
            if (library != "-")
                Environment.SetEnvironmentVariable("COLLECTIVES_MPI_PATH", library);
        }

        try
        {
            await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions { Timeout = TimeSpan.FromSeconds(15) });
            group.Barrier();
            Say(JsonSerializer.Serialize(new Outcome("", group.Capabilities[0].ToString(), -1, null, 0, null, null, 0)));
            return 0;
        }
        catch (Exception e) when (e is GroupCreationException or LaunchException)
        {
            Say(JsonSerializer.Serialize(new Outcome(e.GetType().Name, e.Message, -1, null, 0, null, null, 0)));
            return Faulted;
        }
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
