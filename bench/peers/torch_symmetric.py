"""Races all-reduces of this SDK against torch's symmetric-memory kernels: bfloat16, sum, in CUDA graphs; the two take turns in one run.

bench/Perf's all-reduce --compare measures every route of ours, NCCL and NCCL's symmetric windows; torch one_shot_all_reduce_out and two_shot_all_reduce_out between symmetric tensors, one process a GPU. Both: a
graph of 20 calls, the slowest rank's time of a replay over 20, the median of the rounds; then the median over the turns. Needs torch and two GPUs. Without multicast, as bench/Perf.
"""

import argparse
import datetime
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile

import torch
import torch.distributed as dist
import torch.distributed._symmetric_memory as symmetric

from torch_nccl import WAIT, nccl_library, size_in_bytes, sizes

CALLS = 20
LIMIT = 240  # seconds: of a turn; torch's kernels wait without a deadline
NAMES = ("one_shot", "two_shot")


def measure_rank(rank, options, barrier, times, folder):
    torch.cuda.set_device(rank)
    dist.init_process_group(
        "nccl", init_method=f"file://{folder}/store", rank=rank, world_size=options.ngpus,
        timeout=datetime.timedelta(seconds=WAIT), device_id=torch.device("cuda", rank))
    group = dist.group.WORLD.group_name
    shared = symmetric.empty(options.maxbytes // 2, dtype=torch.bfloat16, device="cuda")
    symmetric.rendezvous(shared, group)
    output = torch.empty_like(shared)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for row, size in enumerate(sizes(options)):
            source, result = shared[:size // 2], output[:size // 2]

            def one_shot(source=source, result=result):
                torch.ops.symm_mem.one_shot_all_reduce_out(source, "sum", group, result)

            def two_shot(source=source, result=result):
                torch.ops.symm_mem.two_shot_all_reduce_out(source, "sum", group, result)

            for kind, call in enumerate((one_shot, two_shot)):
                # Small whole numbers: their sums are exact, and two_shot adds to its input, so they stay so for a while only.
                pattern = torch.arange(size // 2, device="cuda") % 7
                source.copy_(pattern + rank)
                torch.cuda.synchronize()
                barrier.wait(WAIT)
                call()
                torch.cuda.synchronize()
                expected = options.ngpus * pattern + options.ngpus * (options.ngpus - 1) // 2
                if not bool((result == expected).all()):
                    raise RuntimeError(f"{NAMES[kind]} of {size} bytes: wrong sums")
                barrier.wait(WAIT)
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                    for _ in range(CALLS):
                        call()
                start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                for turn in range(options.rounds + 2):
                    source.normal_()
                    torch.cuda.synchronize()
                    barrier.wait(WAIT)
                    start.record(stream)
                    graph.replay()
                    stop.record(stream)
                    stop.synchronize()
                    if turn >= 2:
                        times[((row * 2 + kind) * options.rounds + turn - 2) * options.ngpus + rank] = start.elapsed_time(stop) * 1000 / CALLS
                torch.cuda.synchronize()
                barrier.wait(WAIT)
                del graph
    torch.cuda.synchronize()
    barrier.wait(WAIT)
    dist.destroy_process_group()


def measure(options):
    """All sizes, once: {"size": {"one_shot": µs, "two_shot": µs}} to standard output."""
    spawn = multiprocessing.get_context("spawn")
    count = len(list(sizes(options)))
    barrier, times = spawn.Barrier(options.ngpus), spawn.RawArray("d", count * 2 * options.rounds * options.ngpus)
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(measure_rank, args=(options, barrier, times, folder), nprocs=options.ngpus)

    def median(row, kind):
        first = (row * 2 + kind) * options.rounds
        return statistics.median(max(times[(first + turn) * options.ngpus:(first + turn + 1) * options.ngpus]) for turn in range(options.rounds))

    print(json.dumps({size: {name: median(row, kind) for kind, name in enumerate(NAMES)} for row, size in enumerate(sizes(options))}))


def flags(options):
    return ["-g", str(options.ngpus), "-b", str(options.minbytes), "-e", str(options.maxbytes), "--rounds", str(options.rounds)]


def run(command, environment):
    """What it prints. Ends every process of it at the limit."""
    return subprocess.run(["timeout", "-k", "10", str(LIMIT), *command], env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout


def theirs(options):
    # Eager loading would have every torch process load all of torch's kernels.
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_MODULE_LOADING"}
    report = json.loads(run([sys.executable, __file__, "--measure", *flags(options)], environment).splitlines()[-1])
    return {int(size): row for size, row in report.items()}


def ours(options):
    with tempfile.TemporaryDirectory() as folder:
        report = f"{folder}/report.json"
        run(["dotnet", options.perf, "all-reduce", "--compare", "--launch", "threads", "-d", "bfloat16", *flags(options), "--json", report],
            dict(os.environ, CUDA_MODULE_LOADING="EAGER", COLLECTIVES_NCCL_PATH=nccl_library()))
        with open(report, encoding="utf-8") as file:
            return json.load(file)


def race(options):
    started = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    card = run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], os.environ).splitlines()[0]
    torch_turns, perf_turns = [], []
    for turn in range(options.turns):
        for side in (theirs, ours) if turn % 2 == 0 else (ours, theirs):
            (torch_turns if side is theirs else perf_turns).append(side(options))
        print(f"turn {turn + 1} of {options.turns}", file=sys.stderr)

    rows = []
    for size in sizes(options):
        own = [next(row for row in report["results"] if row["captured"] and row["size"] == size) for report in perf_turns]
        if any(count for row in own for count in row["wrong"].values()):
            sys.exit(f"{size} bytes: wrong elements by a route of bench/Perf")

        def median(route=None, own=own):
            times = [row["microseconds"].get(route or row["router"]) for row in own]
            return None if None in times else round(statistics.median(times), 3)

        one, two = (round(statistics.median(turn[size][name] for turn in torch_turns), 3) for name in NAMES)
        rows.append({
            "size": size, "router": own[-1]["router"], "ours_us": median(), "torch_one_shot_us": one, "torch_two_shot_us": two, "ratio": round(min(one, two) / median(), 3),
            "nccl_us": median("Nccl"), "nccl_symmetric_us": median("NcclSymmetric")})
    name, _, driver = card.partition(", ")
    merged = {
        "what": "all-reduce, bfloat16, sum, captured: what the router takes, beside torch's symmetric-memory kernels and NCCL; microseconds a call: slowest rank, median of the rounds, median over the turns; ratio: the faster "
                "one of torch's over ours",
        "command": f"bench/peers/torch_symmetric.py {' '.join(flags(options))} --turns {options.turns}",
        "started": started,
        "version": f"{perf_turns[-1]['version']}, {perf_turns[-1]['framework']}",
        "machine": {"gpus": f"{options.ngpus} x {name}", "driver": driver},
        "torch": torch.__version__,
        "transport": perf_turns[-1]["transport"],
    }
    with open(options.results, "w", encoding="utf-8") as file:
        file.write(json.dumps(merged, indent=2)[:-2] + ',\n  "rows": [\n' + ",\n".join("    " + json.dumps(row) for row in rows) + "\n  ]\n}\n")
    print(f"{'size':>12} {'ours (us)':>10} {'one_shot':>10} {'two_shot':>10} {'x':>6}  router")
    for row in rows:
        print(f"{row['size']:>12} {row['ours_us']:>10.2f} {row['torch_one_shot_us']:>10.2f} {row['torch_two_shot_us']:>10.2f} {row['ratio']:>6.2f}  {row['router']}")


def main():
    repository = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-g", "--ngpus", type=int, default=torch.cuda.device_count())
    parser.add_argument("-b", "--minbytes", type=size_in_bytes, default=1 << 10)
    parser.add_argument("-e", "--maxbytes", type=size_in_bytes, default=512 << 20)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--perf", default=f"{repository}/bench/Perf/bin/Release/net10.0/CollectivesSharp.Perf.dll")
    parser.add_argument("--results", default=f"{repository}/bench/results/all-reduce-torch.json")
    parser.add_argument("--measure", action="store_true", help="torch's part of one turn")
    parser.set_defaults(stepfactor=2)
    options = parser.parse_args()
    if options.ngpus < 2 or options.minbytes < 1 << 10:
        parser.error("two GPUs or more, and sizes from 1 KiB on")
    os.environ.update(NCCL_NVLS_ENABLE="0", TORCH_SYMM_MEM_DISABLE_MULTICAST="1", TERM="dumb")
    if options.measure:
        measure(options)
    else:
        race(options)


if __name__ == "__main__":
    main()
