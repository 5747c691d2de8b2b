using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Failures;

/// <summary>Ranks with a GPU that the tests hurt. Each step says how it ended.</summary>
internal static partial class DeviceRank
{
    /// <summary>For what only a test waits for.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    internal static async Task<int> RunAsync(string scenario, string[] arguments)
    {
        GroupOptions options = Options(arguments);
        switch (scenario)
        {
            case "create": await CreateAsync(options); break;
            case "library": await LibraryAsync(options); break;
            case "killed at initialisation": await KilledAsync(options, arguments[0]); break;
            case "stuck at initialisation": StuckThread(options); break;
            case "cancelled at initialisation": CancelledThread(options); break;
            case "late vote": LateVote(options); break;
            case "threads": Threads(options, group => Say(Report.Of(group.Rank, "objection", null, 0, group.DeviceObjection ?? ""))); break;
            case "loop": await LoopAsync(options); break;
            case "refused": await RefusedAsync(options); break;
            case "silent": await SilentAsync(options); break;
            case "silent registration": await SilentRegistrationAsync(options); break;
            case "kernel fault": await KernelFaultAsync(options); break;
            case "abort": Abort(options); break;
            case "cancel": Cancel(options); break;
            case "dispose in flight": DisposeInFlight(options); break;
            case "graphs alive": GraphsAlive(options); break;
            case "batch": OpenBatch(options); break;
            case "child": Child(options); break;
            case "arguments": Arguments(options); break;
            case "alone": Alone(options); break;
            case "environment": PrepareEnvironment(); break;
            case "pairs": await PairsAsync(options); break;
            case "peers": await PeersAsync(options, arguments[0], CloseInOrderAsync); break;
            case "peers, threads": PeerThreads(options, arguments[0]); break;
            case "peers, stopped": await PeersAsync(options, arguments[0], StoppedAsync); break;
            case "peers, killed": await PeersAsync(options, arguments[0], KilledPeerAsync); break;
            case "peers, absent": await PeersAsync(options, arguments[0], AbsentAsync); break;
            case "peers, killed midway": await PeersAsync(options, arguments[0], KilledMidwayAsync, diesAt: "/peer/0/10/1"); break;
            case "kernels": await KernelsAsync(options); break;
            case "kernels, silent": await SilentKernelAsync(options); break;
            case "kernels, silent barrier": await SilentBarrierAsync(options); break;
            case "kernels, aborted barrier": AbortedBarrier(options); break;
            case "kernels, killed": await KilledKernelAsync(options); break;
            case "kernels, threads": KernelThreads(options); break;
            case "kernels, aborted": AbortedKernels(options); break;
            case "kernels, stream disposed": DisposedStream(options); break;
            case "kernels, foreign stream": ForeignStream(options); break;
            default: throw new ArgumentException(scenario);
        }

        return 0;
    }

    /// <summary>"device=required timeout=2 device-timeout=1 nccl=CtaPolicy".</summary>
    private static GroupOptions Options(string[] arguments)
    {
        GroupOptions options = new() { Timeout = TimeSpan.FromSeconds(20), DeviceTimeout = TimeSpan.FromSeconds(20), LoggerFactory = WarningLog.Factory };
        foreach (string[] parts in arguments.Select(argument => argument.Split('=', 2)).Where(parts => parts.Length == 2))
        {
            options = parts[0] switch
            {
                "device" => options with { Device = parts[1] == "required" ? DeviceChoice.Required : int.Parse(parts[1], CultureInfo.InvariantCulture) },
                "timeout" => options with { Timeout = TimeSpan.FromSeconds(double.Parse(parts[1], CultureInfo.InvariantCulture)) },
                "device-timeout" => options with { DeviceTimeout = TimeSpan.FromSeconds(double.Parse(parts[1], CultureInfo.InvariantCulture)) },
                "graph-usage" => options with { Nccl = new NcclOptions { GraphUsageMode = int.Parse(parts[1], CultureInfo.InvariantCulture) } },
                _ => throw new ArgumentException(parts[0]),
            };
        }

        return options;
    }

    private static void Step(int rank, string step, Action action) => StepAsync(rank, step, () =>
    {
        action();
        return Task.CompletedTask;
    }).GetAwaiter().GetResult();

    private static async Task StepAsync(int rank, string step, Func<Task> action)
    {
        long start = Stopwatch.GetTimestamp();
        Exception? thrown = null;
        try
        {
            await action();
        }
        catch (Exception e)
        {
            thrown = e;
        }

        Say(Report.Of(rank, step, thrown, Stopwatch.GetElapsedTime(start).TotalSeconds));
    }

    private static void Tell(int rank, string step, string message) => Say(Report.Of(rank, step, null, 0, message));

    private static void Say(Report report) => RankProgram.Say(JsonSerializer.Serialize(report));

    private static int OwnRank => LaunchEnvironment.Detect().Rank;

    /// <summary>Polls for what has no event; false at the end of patience.</summary>
    private static bool WaitFor(Func<bool> condition) => SpinWait.SpinUntil(condition, s_patience);

    /// <summary>A rank's buffer and stream.</summary>
    private sealed class Place : IDisposable
    {
        internal Place(GroupCoordinator group, CudaDevice? device = null)
        {
            Group = group;
            Device = device ?? group.Device ?? throw new InvalidOperationException(group.DeviceObjection);
            Buffer = Device.Allocate<float>(256);
            Stream = Device.CreateStream();
        }

        internal GroupCoordinator Group { get; }

        internal CudaDevice Device { get; }

        internal DeviceBuffer<float> Buffer { get; }

        internal CudaStream Stream { get; }

        internal void Reduce() => Group.AllReduce<float>(Buffer, Buffer, ReduceOp.Max, Stream);

        internal void Reduce(nint pointer, nuint count = 4, DataType type = DataType.Float32, nint? stream = null) => Group.AllReduce(pointer, pointer, count, type, ReduceOp.Max, stream ?? Stream.Handle);

        internal void Synchronize() => Group.Synchronize(Stream);

        public void Dispose()
        {
            Stream.Dispose();
            Buffer.Dispose();
        }
    }
}
