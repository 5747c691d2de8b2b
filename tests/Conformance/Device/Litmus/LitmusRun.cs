using CollectivesSharp.Cuda;

namespace CollectivesSharp.Conformance.Device;

/// <summary>One litmus test on threads, a rank each, which take the devices by turns. The ranks of the test go round: in each launch another of them writes and another reads.</summary>
internal sealed class LitmusRun(LitmusTest test, int launches, ulong seed)
{
    private const int Rounds = 64;
    private const int BlocksOfMultiprocessor = 4;
    private const int LoadBytesOfMultiprocessor = 64 << 10;
    private const int Lanes = 32;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Barrier _all = new(test.Ranks);
    private readonly double[] _load = new double[test.Ranks];
    private readonly string[] _devices = new string[test.Ranks];

    internal LitmusTest Test => test;

    /// <summary>Outcome, digit by digit, to how often it was seen.</summary>
    internal SortedDictionary<string, ulong> Outcomes { get; } = new(StringComparer.Ordinal);

    internal ulong Cases { get; private set; }

    internal ulong NotEnded { get; private set; }

    /// <summary>That of each rank's copies beside the test.</summary>
    internal IReadOnlyList<double> LoadGigabytesPerSecond => _load;

    /// <summary>Each rank's.</summary>
    internal IReadOnlyList<string> Devices => _devices;

    internal void Run() => PeerRank.RunVirtual(test.Ranks, CudaDevice.All.Count, RunAsync);

    private async Task RunAsync(PeerRank rank)
    {
        CudaDevice device = rank.Device;
        _devices[rank.Rank] = device.ToString();
        int shared = (test.Ranks + CudaDevice.All.Count - 1) / CudaDevice.All.Count, loadBytes = LoadBytesOfMultiprocessor * device.MultiprocessorCount;
        LitmusArguments arguments = new()
        {
            Test = test.Number,
            Ranks = test.Ranks,
            Grids = test.Grids,
            Threads = test.Threads,
            Rounds = Rounds,
            Blocks = BlocksOfMultiprocessor * device.MultiprocessorCount / shared,
            PatienceNanoseconds = (ulong)s_patience.TotalNanoseconds,
        };
        using KernelLibrary library = KernelLibrary.Load(device, LitmusTest.Source);
        CudaKernel kernel = library.Get("litmus"), count = library.Get("litmus_count");
        using PeerExchange exchange = await rank.ExchangeAsync();
        await using PeerSlice slice = await PeerArena.CreateSliceAsync(device, exchange, (nuint)(arguments.Bytes + (2 * loadBytes)), PeerRank.Patience);
        using CudaStream stream = device.CreateStream();
        DeviceSpan<ulong> counters = new(slice.Own + arguments.CaseBytes, (nuint)(arguments.Bytes - arguments.CaseBytes) / sizeof(ulong));
        counters.Clear(stream);
        Meet(stream);

        nint peer = slice.Address((rank.Rank + 1) % rank.Size) + arguments.Bytes;
        using (LinkLoad load = new(device, new DeviceSpan<byte>(peer, (nuint)loadBytes), new DeviceSpan<byte>(peer + loadBytes, (nuint)loadBytes)))
        {
            for (int launch = 0; launch < launches; launch++)
            {
                for (int i = 0; i < rank.Size; i++)
                    arguments.Memory[(i + launch) % rank.Size] = slice.Address(i);
                arguments.Rank = (rank.Rank + launch) % rank.Size;
                arguments.Seed = seed + ((ulong)launch << 32);
                new DeviceSpan<byte>(slice.Own, (nuint)arguments.CaseBytes).Clear(stream);
                Meet(stream);
                for (arguments.Grid = 0; arguments.Grid < test.Grids; arguments.Grid++)
                    kernel.Launch(arguments.Blocks, Lanes * test.Threads, stream, arguments);
                Meet(stream);
                if (arguments.Rank == 0)
                    count.Launch(arguments.Blocks, Lanes, stream, arguments);
                Meet(stream);
            }

            load.Dispose();
            _load[rank.Rank] = load.GigabytesPerSecond;
        }

        ulong[] found = new ulong[counters.Length];
        counters.CopyTo(device, found);
        lock (Outcomes)
            Add(found, (ulong)arguments.Cases * (ulong)launches);
        Meet(stream);
    }

    private void Add(ulong[] found, ulong cases)
    {
        Cases = cases;
        NotEnded += found[LitmusTest.NotEnded];
        for (int outcome = 0; outcome < LitmusTest.NotEnded; outcome++)
        {
            string digits = outcome.ToString().PadLeft(test.Results, '0');
            if (found[outcome] > 0)
                Outcomes[digits] = Outcomes.GetValueOrDefault(digits) + found[outcome];
        }
    }

    /// <summary>Everything that the ranks have enqueued is over. The kernels end by themselves.</summary>
    private void Meet(CudaStream stream)
    {
        stream.Synchronize();
        if (!_all.SignalAndWait(PeerRank.Patience))
            throw new TimeoutException($"A rank of the litmus test {test.Name} did not come within {PeerRank.Patience.TotalSeconds} s.");
    }
}
