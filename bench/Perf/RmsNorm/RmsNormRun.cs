using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;

namespace CollectivesSharp.Perf.RmsNorm;

/// <summary>One rank's part. Rank 0 prints.</summary>
internal sealed class RmsNormRun(RmsNormCommand command, GroupCoordinator group)
{
    private static readonly JsonSerializerOptions s_layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly AllReduceRmsNormRoute[] s_routes = Enum.GetValues<AllReduceRmsNormRoute>();

    /// <summary>0 if every route gave the same bytes.</summary>
    internal int Execute()
    {
        if (group.PeerObjection is { } objection)
            throw new PerfException($"rms-norm compares kernels over peer memory, which this group has not: {objection}");
        CudaDevice device = group.Device!;
        group.PrepareRmsNorm(command.Type);
        Print($"# {group.DeviceCommunicator!.Name}, {group.WorldSize} ranks, {device.Name}{(command.SameGpu ? ", which they share" : "")}, {Setting.NvlsText}");
        Print($"# {command.Hidden} × {command.Type}, output {(command.Scaling == Float8Scaling.None ? "as input" : $"e4m3 {command.Scaling}")}; graphs of {command.Calls} calls, {command.Replays} replays timed together, median of {command.Rounds} rounds, mean over ranks; microseconds");
        Print($"# {"tokens",6} {"bytes",9} {"separate",9} {"one-shot",9} {"two-shot",9} {"chosen",9} {"x",6} {"wrong",6}");
        List<RmsNormRow> rows = [];
        using (CudaStream stream = device.CreateStream())
        using (RmsNormBuffers buffers = new(command, group, stream))
        {
            foreach (int tokens in command.Tokens)
            {
                RmsNormRow row = Measure(buffers, stream, tokens);
                rows.Add(row);
                Print(string.Create(CultureInfo.InvariantCulture, $"  {row.Tokens,6} {row.Bytes,9} {row.Times[0],9:0.00} {row.Times[1],9:0.00} {row.Times[2],9:0.00} {row.Chosen,9} {row.Ratio,6:0.00} {row.Wrong,6}"));
            }

            group.Synchronize(stream);
            group.Barrier();
        }

        if (group.Rank == 0 && command.Json is { } json)
            File.WriteAllText(json.FullName, ToJson(rows).ToJsonString(s_layout) + "\n");
        return rows.Sum(row => row.Wrong) == 0 ? 0 : 1;
    }

    private RmsNormRow Measure(RmsNormBuffers buffers, CudaStream stream, int tokens)
    {
        AllReduceRmsNormRoute?[] routes = [.. s_routes.Select(route => (AllReduceRmsNormRoute?)(buffers.Takes(tokens, route) ? route : null))];
        long wrong = buffers.CountDifferent(tokens, routes.OfType<AllReduceRmsNormRoute>());
        CudaGraphExec?[] graphs = [.. routes.Select(route => route is { } taken ? buffers.Capture(tokens, taken, command.Calls) : null)];
        List<double>[] times = [.. routes.Select(_ => new List<double>())];
        using CudaEvent start = stream.Device.CreateEvent(timing: true), end = stream.Device.CreateEvent(timing: true);
        for (int round = 0; round <= command.Rounds; round++)
        {
            for (int i = 0; i < graphs.Length; i++)
            {
                if (graphs[i] is not { } graph)
                    continue;
                group.Barrier();

                // One that brings the ranks together.
                graph.Launch(stream);
                start.Record(stream);
                for (int replay = 0; replay < command.Replays; replay++)
                    graph.Launch(stream);
                end.Record(stream);
                group.Synchronize(stream);
                double[] time = [end.ElapsedSince(start).TotalMicroseconds / ((double)command.Calls * command.Replays)];
                group.AllReduce<double>(time, time, ReduceOp.Average);

                // The first round warms up.
                if (round > 0)
                    times[i].Add(time[0]);
            }
        }

        group.Barrier();
        foreach (CudaGraphExec? graph in graphs)
            graph?.Dispose();
        nuint count = (nuint)(tokens * (long)command.Hidden);
        return new(tokens, (long)count * command.Type.SizeInBytes(), [.. times.Select(Median)], group.RouteRmsNorm((nuint)tokens, (nuint)command.Hidden, command.Type).Route,
            group.Route(new AllReduceRequest(count, command.Type, ReduceOp.Sum)).Route, wrong);
    }

    private static double? Median(List<double> times)
    {
        times.Sort();
        return times.Count == 0 ? null : times[times.Count / 2];
    }

    private void Print(string line)
    {
        if (group.Rank == 0)
            Console.WriteLine(line);
    }

    private JsonObject ToJson(List<RmsNormRow> rows) => new()
    {
        ["tool"] = "CollectivesSharp.Perf rms-norm",
        ["version"] = Machine.Version,
        ["framework"] = Machine.Framework,
        ["time"] = DateTimeOffset.UtcNow.ToString("o", CultureInfo.InvariantCulture),
        ["processor"] = Machine.Processor,
        ["device"] = group.Device!.Name,
        ["cuda_driver"] = Machine.CudaDriver,
        ["ranks"] = group.WorldSize,
        ["processes"] = group.Members.Select(member => (member.NodeId, member.ProcessId)).Distinct().Count(),
        ["same_gpu"] = command.SameGpu,
        ["nccl_nvls_enable"] = Setting.Nvls,
        ["hidden"] = command.Hidden,
        ["type"] = command.Type.NcclName(),
        ["scaling"] = command.Scaling.ToString(),
        ["calls"] = command.Calls,
        ["replays"] = command.Replays,
        ["rounds"] = command.Rounds,
        ["results"] = new JsonArray([.. rows.Select(row => new JsonObject
        {
            ["tokens"] = row.Tokens,
            ["bytes"] = row.Bytes,
            ["separate_us"] = Rounded(row.Times[0]),
            ["separate_all_reduce"] = row.Separate.ToString(),
            ["one_shot_us"] = Rounded(row.Times[1]),
            ["two_shot_us"] = Rounded(row.Times[2]),
            ["chosen"] = row.Chosen.ToString(),
            ["ratio"] = Rounded(row.Ratio),
            ["different_bytes"] = row.Wrong,
        })]),
    };

    private static double? Rounded(double? value) => value is { } number ? Math.Round(number, 3) : null;
}
