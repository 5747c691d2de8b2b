#!/usr/bin/env bash
# Races all-reduce on NCCL through bench/Perf against torch.distributed on the same libnccl in one run: the two take turns, round by round.
# usage: nccl_race.sh [--rounds N] [--gpus N] [--perf CollectivesSharp.Perf.dll] [--results FILE] [--doc [FILE]] [--note TEXT]
# Writes bench/results/nccl-torch.json, with --doc docs/nccl-torch.md too. Needs python3 with torch and at least two GPUs. Runs in a bundle of eng/gpu-bundle.sh too.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$(dirname "$here")")
rounds=3 gpus='' perf=$repository/bench/Perf/bin/Release/net10.0/CollectivesSharp.Perf.dll results=$repository/bench/results/nccl-torch.json doc='' note=''
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --gpus) gpus=$2; shift 2 ;;
    --perf) perf=$2; shift 2 ;;
    --results) results=$2; shift 2 ;;
    --doc) case ${2:-} in '' | --*) doc=$repository/docs/nccl-torch.md; shift ;; *) doc=$2; shift 2 ;; esac ;;
    --note) note=$2; shift 2 ;;
    *) sed -n 2,4p "$0"; exit 2 ;;
  esac
done
[ -f "$perf" ] || { echo "$perf is not there: dotnet build bench/Perf -c Release, or --perf." >&2; exit 1; }
cards=$(timeout 20 nvidia-smi --query-gpu=name,driver_version --format=csv,noheader)
gpus=${gpus:-$(wc -l <<< "$cards")}
[ "$gpus" -ge 2 ] || { echo "One GPU has nobody to reduce with: the race needs two." >&2; exit 1; }

# Eager loading would have every torch process load all of torch's kernels.
unset CUDA_MODULE_LOADING
export TERM=dumb DOTNET_NOLOGO=1 NCCL_NVLS_ENABLE=${NCCL_NVLS_ENABLE:-0} PYTHONUNBUFFERED=1
COLLECTIVES_NCCL_PATH=$(timeout 120 python3 "$here/torch_nccl.py" --library)
export COLLECTIVES_NCCL_PATH
echo "NCCL: $COLLECTIVES_NCCL_PATH" >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-b 1K -e 256M -f 2 -n 20 -w 5 -g "$gpus")
peer() { timeout -k 10 150 python3 "$here/torch_nccl.py" "${flags[@]}" -G 20 --json "$work/torch-$1.json"; }
ours() {
  local perf_flags=("${flags[@]}" --backend cuda --launch processes -R 0 -c 1)
  CUDA_MODULE_LOADING=EAGER timeout -k 10 120 dotnet "$perf" all-reduce "${perf_flags[@]}" --json "$work/eager-$1.json" > "$work/table" || { tail -n 20 "$work/table" >&2; return 1; }
  CUDA_MODULE_LOADING=EAGER timeout -k 10 120 dotnet "$perf" all-reduce "${perf_flags[@]}" -G 20 --json "$work/graph-$1.json" > "$work/table" || { tail -n 20 "$work/table" >&2; return 1; }
}

started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
for round in $(seq "$rounds"); do
  order=(peer ours); [ $((round % 2)) = 1 ] || order=(ours peer)
  for side in "${order[@]}"; do "$side" "$round" || { echo "round $round: $([ "$side" = peer ] && echo torch || echo bench/Perf) failed" >&2; exit 1; }; done
  echo "round $round of $rounds" >&2
done

cards="$(sort -u <<< "$cards" | sed "1s/^/$gpus x /" | paste -sd ';')"
python3 "$here/nccl_merge.py" race "$work" "$results" "bench/peers/nccl_race.sh --rounds $rounds --gpus $gpus" "$note" "$started" "$cards"
[ -z "$doc" ] || python3 "$here/nccl_merge.py" page "$results" "$doc"
