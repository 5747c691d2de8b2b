"""All-reduce of torch.distributed over NCCL, measured as bench/Perf measures: float32, sum, in place (torch has no other), microseconds a call.

Eager: CUDA events on the stream around the calls, enqueued back to back. Graph: the calls are captured once, events around the replays. Both are divided by the number
of calls; the mean over the ranks counts. One process a GPU. "--library" prints which libnccl torch loads, and ends.
"""

import argparse
import datetime
import json
import multiprocessing
import os
import sys
import tempfile

import torch
import torch.distributed as dist

WAIT = 60  # seconds: for peers, everywhere


def nccl_library():
    """The file of the NCCL that is in this process."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            if "libnccl.so" in line:
                return line.split(maxsplit=5)[5].strip()
    sys.exit("torch has not loaded a libnccl.so: is NCCL linked into it?")


def sizes(options):
    size = options.minbytes
    while size <= options.maxbytes:
        yield size
        size *= options.stepfactor


def elapsed(stream, barrier, work, calls):
    """Microseconds a call; all ranks start together."""
    torch.cuda.synchronize()
    barrier.wait(WAIT)
    start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record(stream)
    work()
    stop.record(stream)
    stop.synchronize()
    return start.elapsed_time(stop) * 1000 / calls


def check(tensor, ranks):
    tensor.fill_(dist.get_rank() + 1)
    dist.all_reduce(tensor)
    expected = ranks * (ranks + 1) / 2
    if not bool((tensor == expected).all()):
        raise RuntimeError(f"all_reduce of {tensor.numel()} elements: expected {expected} everywhere")


def measure(rank, options, barrier, times, folder):
    torch.cuda.set_device(rank)
    dist.init_process_group(
        "nccl", init_method=f"file://{folder}/store", rank=rank, world_size=options.ngpus,
        timeout=datetime.timedelta(seconds=WAIT), device_id=torch.device("cuda", rank))
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for row, size in enumerate(sizes(options)):
            tensor = torch.empty(size // 4, dtype=torch.float32, device="cuda")
            check(tensor, options.ngpus)
            tensor.zero_()  # a sum in place of ones would overflow

            def calls(count, tensor=tensor):
                for _ in range(count):
                    dist.all_reduce(tensor)

            calls(options.warmup_iters)
            eager = elapsed(stream, barrier, lambda: calls(options.iters), options.iters)

            graph = torch.cuda.CUDAGraph()
            barrier.wait(WAIT)
            # thread_local: the process group's watchdog thread asks events while this thread captures.
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                calls(options.iters)
            graph.replay()

            def replays(graph=graph):
                for _ in range(options.cudagraph):
                    graph.replay()

            captured = elapsed(stream, barrier, replays, options.iters * options.cudagraph)
            torch.cuda.synchronize()
            barrier.wait(WAIT)
            del graph, replays
            index = (row * options.ngpus + rank) * 2
            times[index], times[index + 1] = eager, captured
    torch.cuda.synchronize()
    barrier.wait(WAIT)
    dist.destroy_process_group()


def size_in_bytes(text):
    shift = {"K": 10, "M": 20, "G": 30}.get(text[-1:].upper(), 0)
    return int(text[:-1] if shift else text) << shift


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-g", "--ngpus", type=int, default=torch.cuda.device_count())
    parser.add_argument("-b", "--minbytes", type=size_in_bytes, default=1 << 10)
    parser.add_argument("-e", "--maxbytes", type=size_in_bytes, default=256 << 20)
    parser.add_argument("-f", "--stepfactor", type=int, default=2)
    parser.add_argument("-n", "--iters", type=int, default=20)
    parser.add_argument("-w", "--warmup_iters", type=int, default=5)
    parser.add_argument("-G", "--cudagraph", type=int, default=20, help="replays of the graph of --iters calls")
    parser.add_argument("--json", help="file to write")
    parser.add_argument("--library", action="store_true")
    options = parser.parse_args()
    if options.library:
        print(nccl_library())
        return
    if options.stepfactor < 2 or options.minbytes < 4:
        parser.error("sizes start at 4 bytes and grow by a factor of at least 2")

    count = len(list(sizes(options)))
    spawn = multiprocessing.get_context("spawn")
    barrier, times = spawn.Barrier(options.ngpus), spawn.RawArray("d", count * options.ngpus * 2)
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(measure, args=(options, barrier, times, folder), nprocs=options.ngpus)

    def mean(row, mode):
        return round(sum(times[(row * options.ngpus + rank) * 2 + mode] for rank in range(options.ngpus)) / options.ngpus, 3)

    report = {
        "tool": "torch.distributed",
        "torch": torch.__version__,
        "nccl": ".".join(str(part) for part in torch.cuda.nccl.version()),
        "ranks": options.ngpus,
        "flags": {"iterations": options.iters, "warmup_iterations": options.warmup_iters, "cudagraph": options.cudagraph},
        "environment": {name: os.environ[name] for name in sorted(os.environ) if name.startswith("NCCL_")},
        "rows": [{"size": size, "eager_us": mean(row, 0), "graph_us": mean(row, 1)} for row, size in enumerate(sizes(options))],
    }
    text = json.dumps(report, indent=2) + "\n"
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
