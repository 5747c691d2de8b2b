"""Merges the rounds of nccl_race.sh: medians, a table, the JSON of bench/results; writes the page of docs/ from such a JSON.

usage: nccl_merge.py race FOLDER RESULTS COMMAND NOTE STARTED CARDS    FOLDER: torch-N.json, eager-N.json, graph-N.json of each round N
       nccl_merge.py page RESULTS PAGE
"""

import glob
import json
import os
import statistics
import sys

MARK = 0.05  # a ratio further than this from 1 is marked


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def ours(folder, mode, times):
    """Appends bench/Perf's times in place; gives the last report."""
    report = None
    for path in sorted(glob.glob(f"{folder}/{mode}-*.json")):
        report = load(path)
        if report["backend"] != "cuda":
            sys.exit(f"{mode}: bench/Perf measured the backend {report['backend']}, not cuda")
        for row in report["results"]:
            if row["in_place"]["nwrong"]:
                sys.exit(f"{mode}, {row['size']} bytes: {row['in_place']['nwrong']} wrong elements")
            times.setdefault((mode, row["size"]), ([], []))[1].append(row["in_place"]["time"])
    if report is None:
        sys.exit(f"no {mode}-*.json in {folder}")
    return report


def race(folder, results, command, note, started, cards):
    times = {}
    torch_reports = [load(path) for path in sorted(glob.glob(f"{folder}/torch-*.json"))]
    for report in torch_reports:
        for row in report["rows"]:
            for mode in ("eager", "graph"):
                times.setdefault((mode, row["size"]), ([], []))[0].append(row[f"{mode}_us"])
    report = ours(folder, "eager", times)
    ours(folder, "graph", times)
    rows = []
    for (mode, size), (theirs, own) in sorted(times.items()):
        if not theirs or not own:
            sys.exit(f"{mode}, {size} bytes: measured by one side only")
        their_median, own_median = statistics.median(theirs), statistics.median(own)
        rows.append({
            "size": size, "mode": mode, "torch_us": round(their_median, 3), "ours_us": round(own_median, 3), "ratio": round(their_median / own_median, 3),
            "torch_min_us": min(theirs), "ours_min_us": min(own)})
    gpus, _, driver = cards.rpartition(", ")
    merged = {
        "what": "all-reduce of torch.distributed and of this SDK over the same NCCL: float32, sum, in place; times in microseconds a call: mean over the ranks, then median (and "
                "minimum) over the rounds; eager: 20 calls back to back; graph: 20 replays of a graph of 20 calls; ratio: torch's over ours",
        "command": command,
        "note": note,
        "started": started,
        "version": f"{report['version']}, {report['framework']}",
        "machine": {"gpus": gpus, "driver": driver},
        "nccl": f"{torch_reports[-1]['nccl']}, of torch {torch_reports[-1]['torch']}",
        "environment": torch_reports[-1]["environment"],
        "ranks": torch_reports[-1]["ranks"],
        "rounds": len(torch_reports),
        "rows": rows,
    }
    head = {key: value for key, value in merged.items() if key != "rows"}
    with open(results, "w", encoding="utf-8") as file:
        file.write(json.dumps(head, indent=2)[:-2] + ',\n  "rows": [\n' + ",\n".join("    " + json.dumps(row) for row in rows) + "\n  ]\n}\n")
    print(f"# {gpus}, driver {driver}; NCCL {merged['nccl']}; {merged['ranks']} ranks, {merged['rounds']} rounds; x: torch's time over ours; beyond {MARK:.0%} marked")
    print(f"{'mode':>6} {'size':>12} {'torch (us)':>12} {'ours (us)':>12} {'x':>7}")
    for row in rows:
        print(f"{row['mode']:>6} {row['size']:>12} {row['torch_us']:>12.2f} {row['ours_us']:>12.2f} {row['ratio']:>7.3f}{marked(row)}")


def marked(row):
    return " slower" if row["ratio"] < 1 - MARK else " faster" if row["ratio"] > 1 + MARK else ""


def readable(size):
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB" if size >= 1 << 10 else f"{size} B"


def short(time):
    return f"{time:.0f}" if time >= 100 else f"{time:.1f}" if time >= 10 else f"{time:.2f}"


def page(results, path):
    data = load(results)
    cells = {(row["mode"], row["size"]): row for row in data["rows"]}
    multicast = "off (NCCL_NVLS_ENABLE=0)" if data["environment"].get("NCCL_NVLS_ENABLE") == "0" else "as NCCL chooses"
    lines = [
        "# How fast is NCCL through this SDK, against torch?",
        "",
        "Written by `bench/peers/nccl_race.sh` from [`bench/results/nccl-torch.json`](../bench/results/nccl-torch.json); run it to get your own. "
        f"{data['machine']['gpus']}, driver {data['machine']['driver']}; NCCL",
        f"{data['nccl']}, the same file for both; NVLS {multicast}; {data['ranks']} ranks, one process a GPU; {data['rounds']} rounds in which the two take turns. Microseconds a call, "
        "float32, sum, in place (torch has no other):",
        "CUDA events around 20 calls, the mean over the ranks, then the median over the rounds. *x* is torch's time over ours: above 1 this SDK is faster. "
        f"Bold: further than {MARK:.0%} from 1.",
        "",
        "Eager: 20 calls enqueued back to back, so that at small sizes the host's part of a call counts. Graph: 20 replays of a graph that holds 20 calls: the device alone.",
    ]
    if data["note"]:
        lines += ["", f"Note: {data['note']}."]
    lines += ["", "| size | eager: torch | ours | x | graph: torch | ours | x |", "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for size in sorted({row["size"] for row in data["rows"]}):
        line = f"| {readable(size)} |"
        for mode in ("eager", "graph"):
            row = cells[mode, size]
            ratio = f"{row['ratio']:.2f}"
            line += f" {short(row['torch_us'])} | {short(row['ours_us'])} | {f'**{ratio}**' if marked(row) else ratio} |"
        lines.append(line)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["race"] and len(sys.argv) == 8:
        race(*sys.argv[2:])
    elif sys.argv[1:2] == ["page"] and len(sys.argv) == 4:
        page(*sys.argv[2:])
    else:
        sys.exit(__doc__)
