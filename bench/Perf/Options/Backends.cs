using CollectivesSharp.Cuda;

namespace CollectivesSharp.Perf;

/// <summary>Where the buffers lie on this machine.</summary>
internal static class Backends
{
    private const int DefaultHostRanks = 4;

    /// <summary>How many ranks to start here, where no launcher has. Throws <see cref="PerfException"/> for more than there are GPUs, if GPUs are asked for.</summary>
    internal static int CountRanks(PerfOptions options)
    {
        if (!MayUseDevices(options))
            return options.Ranks ?? DefaultHostRanks;
        int gpus = CudaDriver.TryInitialize(out string? reason) ? CudaDevice.All.Count : 0;
        if (options.Backend == Backend.Cuda && gpus == 0)
            throw new PerfException($"--backend cuda: no GPU here. {reason}");
        if (options.Backend == Backend.Cuda && options.Ranks > gpus)
            throw new PerfException($"--backend cuda -g {options.Ranks}: NCCL wants a GPU for each rank; visible: {CudaDevice.DescribeAll()}.");
        return options.Ranks ?? (gpus > 0 ? gpus : DefaultHostRanks);
    }

    /// <summary>A rank's options. Which GPU it takes is for COLLECTIVES_DEVICE to say, and for the local rank.</summary>
    internal static GroupOptions GroupOptions(PerfOptions options) => MayUseDevices(options) ? new GroupOptions { AllReduceRoute = options.Route, AllReduceTuning = options.Routes is { Tunes: true } ? AllReduceTuningMode.Off : AllReduceTuningMode.Cached } : new GroupOptions { Device = DeviceChoice.None };

    /// <summary>What became of it, the same on every rank. Says on rank 0 why <c>auto</c> left GPUs alone; throws <see cref="PerfException"/> where they were asked for.</summary>
    internal static Setting Settle(PerfOptions options, GroupCoordinator group)
    {
        bool onDevice = group.DeviceCommunicator is not null;
        if (options.Backend == Backend.Cuda && !onDevice)
            throw new PerfException($"--backend cuda: {group.DeviceObjection}");
        if (options.Backend == Backend.Auto && !onDevice && MayUseDevices(options) && group.Rank == 0)
            Console.WriteLine($"# On host memory: {group.DeviceObjection?.Split('\n')[0]}");
        return new Setting(options, group, onDevice);
    }

    private static bool MayUseDevices(PerfOptions options)
    {
        if (options is { Backend: Backend.Cuda, Fresh: true })
            throw new PerfException("--backend cuda --fresh: only inputs in host memory are written before each call; --backend host measures that.");
        return options.Backend != Backend.Host && !options.Fresh;
    }
}
