"""Merges the rounds of race.sh: medians, the JSON of bench/results; writes the page of docs/ from such a JSON.

usage: mpi_merge.py race SAMPLES RESULTS COMMAND NOTE STARTED VERSION OPEN_MPI SINGLE_COPY YIELD FUTEX
           SAMPLES: lines of ranks,collective,inputs,memory,program,bytes,microseconds; inputs: same or fresh, memory: own or group, program: mpi or ours
           YIELD, FUTEX: a switch of context by either, in microseconds
       mpi_merge.py page RESULTS PAGE
"""

import csv
import json
import os
import platform
import statistics
import sys

COLLECTIVES = ("all-reduce", "all-gather", "all-to-all")


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), platform.machine())


def race(samples, results, command, note, started, version, open_mpi, single_copy, by_yield, by_futex):
    times = {}
    with open(samples, encoding="utf-8", newline="") as file:
        for ranks, collective, inputs, memory, program, size, time in csv.reader(file):
            times.setdefault((int(ranks), memory == "group", inputs == "fresh", collective, int(size)), {"mpi": [], "ours": []})[program].append(float(time))
    rows = []
    for (ranks, group, fresh, collective, size), both in sorted(times.items()):
        theirs, own = both["mpi"], both["ours"]
        # bench/Perf rounds down a size that the ranks' parts don't fill: the other program's has no counterpart then.
        if not theirs or not own:
            continue
        rows.append({
            "ranks": ranks, "collective": collective, "fresh": fresh, "group_memory": group, "size": size, "rounds": len(own),
            "open_mpi": round(statistics.median(theirs), 3), "ours": round(statistics.median(own), 3), "ratio": round(statistics.median(theirs) / statistics.median(own), 3),
            "open_mpi_min": min(theirs), "ours_min": min(own), "ratio_min": round(min(theirs) / min(own), 3)})
    head = {
        "what": "shared-memory collectives against Open MPI, float, out of place; times in microseconds: mean over calls and ranks, then median and minimum over the rounds; ratio: Open MPI's "
                "over ours; fresh: each call's input was written just before it and the call timed by itself, else calls go back to back over inputs that nobody writes; "
                "group_memory: the buffers are of AllocateHost, and of MPI_Alloc_mem, else each program's own",
        "command": command,
        "note": note,
        "started": started,
        "version": version,
        "machine": {
            "processor": processor(), "processors": len(os.sched_getaffinity(0)), "operating_system": f"{platform.system()} {platform.release()}",
            "switch_by_sched_yield": float(by_yield), "switch_by_futex": float(by_futex)},
        "open_mpi": {
            "version": open_mpi, "settings": "as it comes", "btl_vader_single_copy_mechanism": single_copy,
            "with_more_ranks_than_cores": "--oversubscribe, which sets mpi_yield_when_idle and binds to nothing", "otherwise": "bound to a core each"},
    }
    with open(results, "w", encoding="utf-8") as file:
        file.write("{\n" + "".join(f'  "{key}": {json.dumps(value)},\n' for key, value in head.items()))
        file.write('  "rows": [\n' + ",\n".join("    " + json.dumps(row) for row in rows) + "\n  ]\n}\n")


def readable(size):
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB" if size >= 1 << 10 else f"{size} B"


def short(time):
    return f"{time:.0f}" if time >= 100 else f"{time:.1f}" if time >= 10 else f"{time:.2f}"


def table(rows):
    cells = {(row["size"], row["collective"]): f"{short(row['open_mpi'])} | {short(row['ours'])} | {row['ratio']:.2f}" for row in rows}
    lines = ["| size | all-reduce: MPI | ours | x | all-gather: MPI | ours | x | all-to-all: MPI | ours | x |", "| ---: |" + " ---: |" * 9]
    for size in sorted({row["size"] for row in rows}):
        lines.append(f"| {readable(size)} | " + " | ".join(cells.get((size, collective), " |  | ") for collective in COLLECTIVES) + " |")
    return lines


def page(results, path):
    with open(results, encoding="utf-8") as file:
        data = json.load(file)
    machine, open_mpi, rows = data["machine"], data["open_mpi"], data["rows"]
    # A race from before inputs could be fresh doesn't say that they weren't.
    both = {row.get("fresh", False) for row in rows} == {False, True}
    memories = sorted({row.get("group_memory", False) for row in rows})
    lines = [
        "# How fast is host memory, against Open MPI?",
        "",
        "Written by `bench/peers/race.sh` from [`bench/results/mpi-race.json`](../bench/results/mpi-race.json); run it to get your own. "
        f"{machine['processor']}, {machine['processors']} cores, {machine['operating_system']}; Open MPI {open_mpi['version']} as it comes",
        f"(single copy: {open_mpi['btl_vader_single_copy_mechanism']}), .NET; {max(row['rounds'] for row in rows)} rounds in which the two take turns under one mpirun. Microseconds a call, float, "
        "out of place: the mean over calls and ranks, then the median over the rounds.",
        "*x* is Open MPI's time over ours. The definitions are [bench/Perf's](perf.md) for both; the minima are in the JSON.",
    ]
    if data["note"]:
        lines += ["", f"Note: {data['note']}."]
    if both:
        lines += [
            "",
            "Where each rank has a core there are tables of two kinds. nccl-tests and OSU write the inputs once and call back to back; a program has just written what it sends, and its lines lie in its own cache. So in the second kind every",
            "rank writes its whole input before each call (`--fresh`), all meet in barriers, and the call is timed by itself; writing and barriers don't count. Both programs read the clock twice a call there and leave the barrier",
            "not quite at once, which at a few bytes is a good part of the time.",
        ]
    if memories == [False, True]:
        lines += [
            "",
            "Both again with buffers of the group: `AllocateHost` here, which the ranks of a node read from each other without a copy in between (`--group-memory`), `MPI_Alloc_mem` there.",
        ]
    for ranks in sorted({row["ranks"] for row in rows}):
        crowded = ranks > machine["processors"]
        lines += ["", f"## {ranks} ranks on {machine['processors']} cores" if crowded else f"## {ranks} ranks, a core each"]
        if crowded:
            lines += [
                "",
                "`--oversubscribe`: Open MPI yields when idle (mpi_yield_when_idle), nobody is bound. Two ranks of a core must both have run, so a call takes at least one switch of context a core; between two processes",
                f"on a core one takes {machine['switch_by_sched_yield']:g} µs by sched_yield and {machine['switch_by_futex']:g} by futex here, before the run (`bench/peers/switch.c`).",
            ]
        for group in memories:
            for fresh in (False, True):
                chosen = [row for row in rows if row["ranks"] == ranks and row.get("fresh", False) == fresh and row.get("group_memory", False) == group]
                if not chosen:
                    continue
                title = "inputs just written" if fresh else "inputs as nccl-tests and OSU leave them"
                named = fresh or (both and not crowded)
                if named or len(memories) == 2:
                    where = "The group's memory" if group else "Any memory" if len(memories) == 2 else ""
                    heading = ", ".join(part for part in (where, title if named else "") if part)
                    lines += ["", f"### {heading[0].upper()}{heading[1:]}"]
                lines += ["", *table(chosen)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["race"] and len(sys.argv) == 12:
        race(*sys.argv[2:])
    elif sys.argv[1:2] == ["page"] and len(sys.argv) == 4:
        page(*sys.argv[2:])
    else:
        sys.exit(__doc__)
