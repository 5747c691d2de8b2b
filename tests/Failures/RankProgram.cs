using System.Globalization;
using System.Text.Json;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Failures;

/// <summary>What a rank saw of the end of its group; one line of JSON on standard output.</summary>
public sealed record Outcome(string Exception, string Message, int LostRank, string? LostHost, int LostProcess, string? Reason, string? Operation, long Sequence);

/// <summary>Who a rank finds itself to be. <paramref name="Sum"/>: of all ranks, by an all-reduce; null without one.</summary>
public sealed record RankFacts(string Launcher, int Rank, int WorldSize, int LocalRank, int LocalSize, int NodeCount, int? Sum);

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
                return await LoopAsync(TimeSpan.FromMilliseconds(int.Parse(arguments[0], CultureInfo.InvariantCulture)), arguments.ElementAtOrDefault(1) ?? "AllReduce", shared: arguments[1..] is [_, "shared"]);
            case "check":
                return await CheckAsync(TimeSpan.FromMilliseconds(int.Parse(arguments[0], CultureInfo.InvariantCulture)), int.Parse(arguments[1], CultureInfo.InvariantCulture));
            case "descriptors":
                return await WithoutDescriptorsAsync();
            case "facts":
                return await TellFactsAsync(int.Parse(arguments[0], CultureInfo.InvariantCulture), reduce: arguments[1..] is ["reduce"]);
            case "create":
                return await CreateAsync(arguments[0], arguments[1]);
            case "device":
                return await DeviceRank.RunAsync(arguments[0], arguments[1..]);
            case "exit":
                return LaunchEnvironment.Detect().Rank.ToString(CultureInfo.InvariantCulture) == arguments[0] ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : WaitForEver();
            case "lock":
            {
                using FileStream held = new(arguments[0], FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                return WaitForEver();
            }

            case "launch":
                return await new ProcessLauncher { Command = ProcessLauncher.SameProgram(["--rank", .. arguments[1..]]), WorldSize = int.Parse(arguments[0], CultureInfo.InvariantCulture) }.RunAsync();
            default:
                throw new ArgumentException(kind);
        }
    }

    /// <summary>One collective, or all of them mixed, in all sizes until the group ends.</summary>
    private static async Task<int> LoopAsync(TimeSpan timeout, string collective, bool shared)
    {
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions { Timeout = timeout });
        CollectiveCalls calls = new(group, shared);
        group.Barrier();
        Say("ready");
        try
        {
            while (true)
                calls.Call(collective);
        }
        catch (CollectiveException e)
        {
            return Tell(e);
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
            return Tell(e);
        }
    }

    /// <summary>Allocates while rank 1 can't take a descriptor from a socket, says how that ended, and "right" after calls that are.</summary>
    private static async Task<int> WithoutDescriptorsAsync()
    {
        await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions { Timeout = TimeSpan.FromSeconds(20) });

        // All that .NET loads for waiting, for sockets and for a failure is loaded then.
        for (int i = 0; i < 3; i++)
        {
            group.AllocateHost<int>(1000).Dispose();
            Thread.Sleep(group.Rank == 1 ? 0 : 20);
            group.Barrier();
            try
            {
                group.HostCommunicator!.Allocate((nuint)1 << 46);
            }
            catch (IOException)
            {
            }
        }

        Limit? before = group.Rank == 1 ? Limit.OneDescriptor() : null;
        try
        {
            group.AllocateHost<int>(1000).Dispose();
            Say("allocated");
        }
        catch (IOException e)
        {
            before?.Restore();
            Tell(e);
        }

        using HostBuffer<int> memory = group.AllocateHost<int>(100_000);
        memory.Span.Fill(group.Rank);
        group.AllReduce<int>(memory.Span, memory.Span);
        Say(memory.Span.ContainsAnyExcept(group.WorldSize * (group.WorldSize - 1) / 2) ? "wrong" : "right");
        return 0;
    }

    /// <summary>Makes one group after the other, each with its own store, and says who it is in it.</summary>
    private static async Task<int> TellFactsAsync(int groups, bool reduce)
    {
        try
        {
            for (int i = 0; i < groups; i++)
            {
                await using GroupCoordinator group = await GroupCoordinator.CreateAsync(new GroupOptions { Timeout = TimeSpan.FromSeconds(30) });
                int[] sum = [group.Rank];
                if (reduce)
                    group.AllReduce<int>(sum, sum);
                Say(JsonSerializer.Serialize(new RankFacts(LaunchEnvironment.Detect().Launcher.ToString(), group.Rank, group.WorldSize, group.LocalRank, group.LocalSize, group.NodeCount, reduce ? sum[0] : null)));
            }

            return 0;
        }
        catch (Exception e) when (e is CollectiveException or GroupCreationException or LaunchException or StoreException or TimeoutException)
        {
            return Tell(e);
        }
    }

    private static int Tell(Exception e)
    {
        PeerLostException? lost = e as PeerLostException;
        CollectiveException? call = e as CollectiveException;
        Say(JsonSerializer.Serialize(new Outcome(e.GetType().Name, e.Message, lost?.Rank ?? -1, lost?.Host, lost?.ProcessId ?? 0, lost?.Reason.ToString(), call?.Operation, call?.Sequence ?? 0)));
        return Faulted;
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
    internal static unsafe void Say(string line)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(line + "\n");
        fixed (byte* data = bytes)
            PosixNative.write(1, data, (nuint)bytes.Length);
    }
}
