#!/usr/bin/env bash
# Runs the bundle that eng/gpu-bundle.sh packed on this machine, which needs the driver, NCCL and python3 with torch, but no .NET.
# usage: run.sh [--budget SECONDS] STEP...
#   conformance  collectives on device memory: threads, processes, mpirun, ranks that share a GPU, two nodes played by this machine; 100,000 mixed calls of our kernels (COLLECTIVES_TEST_CALLS)
#   tables       bench/Perf on device memory: all-reduce eager and as a graph, with -R 0, 1, 2; the other collectives
#   torch        the race against torch.distributed on the same NCCL
#   benchmarks   BenchmarkDotNet
#   all          these four
#   sanitizers   our kernels under memcheck and synccheck of compute-sanitizer, where the machine has it; two ranks that share a GPU
#   host         conformance and bench/Perf on host memory, on any machine; failures: ranks that are killed or stopped
# Writes at most 7 files to $OUT (default ./out): summary.json and run.log always. COLLECTIVES_BUNDLE_RT: a folder to unpack into and to use again.
# The exit code is 0 only if everything that was asked for ran and passed. --budget: what would run beyond it is left out, and counts as failed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { sed -n '3,10p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 2; }
budget=0 steps=()
while [ $# -gt 0 ]; do
  case $1 in
    --budget) budget=${2:?--budget: seconds}; shift 2 ;;
    all) steps+=(conformance tables torch benchmarks); shift ;;
    conformance | tables | torch | benchmarks | sanitizers | host | failures) steps+=("$1"); shift ;;
    *) usage ;;
  esac
done
[ ${#steps[@]} -gt 0 ] || usage

mkdir -p "${OUT:=out}" && OUT=$(cd "$OUT" && pwd) || exit 1
rm -f "$OUT"/{summary.json,run.log,tables.json,benchmarks.json,nccl-torch.json,nccl-torch.md}
work=$(mktemp -d)
runtime=${COLLECTIVES_BUNDLE_RT:-$work/runtime}
# In the environment of all that is started here, so that nothing of it outlives its turn: Open MPI's ranks are in process groups of their own.
token="$$-$RANDOM$RANDOM"
reap() {
  local environment
  for environment in /proc/[0-9]*/environ; do
    if tr '\0' '\n' < "$environment" 2>/dev/null | grep -qx "COLLECTIVES_BUNDLE_TOKEN=$token"; then kill -KILL "$(basename "$(dirname "$environment")")" 2>/dev/null; fi
  done 2>/dev/null
}
trap 'reap; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

unpack() {
  timeout 120 tar -C "$runtime" -xJf "$1" 2>/dev/null && return
  # No xz here: Python brings its own.
  timeout 120 python3 -c 'import sys, tarfile
tarfile.open(sys.argv[1], "r:xz").extractall(sys.argv[2], **({"filter": "fully_trusted"} if hasattr(tarfile, "fully_trusted_filter") else {}))' "$1" "$runtime"
}
mark=$(cat "$here"/*.tar.xz | cksum)
if [ "$(cat "$runtime/unpacked" 2>/dev/null)" != "$mark" ]; then
  mkdir -p "$runtime"
  for archive in "$here"/*.tar.xz; do unpack "$archive" || { echo "$archive could not be unpacked into $runtime: neither tar with xz nor python3 can." >&2; exit 1; }; done
  echo "$mark" > "$runtime/unpacked"
fi

export DOTNET_ROOT=$runtime PATH=$runtime:$PATH DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TERM=dumb
# Multicast is off, in NCCL and in what torch brings: on hosts that are shared it can take GPUs out of service.
export NCCL_NVLS_ENABLE=0 TORCH_SYMM_MEM_DISABLE_MULTICAST=1 NVSHMEM_DISABLE_NVLS=1 CUDA_MODULE_LOADING=EAGER
export OMPI_MCA_mca_base_component_show_load_errors=0 OMPI_MCA_pml=ob1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
conformance=$runtime/conformance/CollectivesSharp.Conformance.dll
perf=$runtime/perf/CollectivesSharp.Perf.dll
mpirun=${COLLECTIVES_MPIRUN:-$runtime/mpirun}

gpus=$(timeout 20 nvidia-smi -L 2>/dev/null | grep -c '^GPU ')
cards=$(timeout 20 nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | sort | uniq -c | sed 's/^ *\([0-9]*\) /\1 x /; s/["\\]//g' | paste -sd ';')
version=$(cat "$here/VERSION")
echo "bundle $version; ${cards:-no NVIDIA GPU}; results in $OUT"

rows=() failed=0
# Written after each turn: whatever ends this script, what ran until then is told.
summarise() {
  {
    echo "{"
    echo "  \"version\": \"$version\","
    echo "  \"machine\": { \"gpus\": $gpus, \"cards\": \"$cards\", \"processors\": $(nproc), \"operating_system\": \"$(uname -sr)\" },"
    echo "  \"results\": ["
    printf '%s\n' "${rows[@]}" | sed '$!s/$/,/; s/^/    /'
    echo "  ]"
    echo "}"
  } > "$OUT/summary.json"
}

# What a turn was: STEP NAME STATE SECONDS EXIT TESTS(passed failed skipped, or nothing)
record() {
  local tests=
  [ -z "$6" ] || tests=$(awk '{ printf ", \"passed\": %d, \"failed\": %d, \"skipped\": %d", $1, $2, $3 }' <<< "$6")
  rows+=("{ \"step\": \"$1\", \"name\": \"$2\", \"state\": \"$3\", \"seconds\": $4, \"exit_code\": $5$tests }")
  [ "$3" = ok ] || [ "$3" = skipped ] || failed=$((failed + 1))
  printf '%-9s %5d s  %-11s %s%s\n' "$3" "$4" "$1" "$2" "${6:+ ($(awk '{ printf "%d passed, %d failed, %d skipped", $1, $2, $3 }' <<< "$6"))}" | tee -a "$OUT/run.log" "$work/recap"
  summarise
}

# One command under a deadline: attempt STEP KIND NAME SECONDS COMMAND...  KIND is tests (of xunit, whose summary must say that some passed) or program.
# Its output goes to the end of run.log as it comes; more than 2 MiB of it lose their middle.
attempt() {
  local step=$1 kind=$2 name=$3 limit=$4 begun=$SECONDS from status state tests=; shift 4
  if [ "$budget" -gt 0 ]; then
    local left=$((budget - SECONDS - 20))
    if [ $left -lt 10 ]; then record "$step" "$name" "not run" 0 -1 ""; return 1; fi
    [ $left -ge "$limit" ] || limit=$left
  fi
  printf '\n=== %s: %s\n%s\n' "$step" "$name" "$(printf '%q ' "$@" | sed "s|$runtime/||g")" >> "$OUT/run.log"
  from=$(stat -c %s "$OUT/run.log")
  COLLECTIVES_BUNDLE_TOKEN=$token timeout -k 15 "$limit" "$@" >> "$OUT/run.log" 2>&1 < /dev/null &
  wait $!
  status=$?
  reap
  tail -c +$((from + 1)) "$OUT/run.log" > "$work/section"
  if [ "$(stat -c %s "$work/section")" -gt $((2 << 20)) ]; then
    head -c "$from" "$OUT/run.log" > "$work/log"
    { head -c $((1 << 20)) "$work/section"; printf '\n[...]\n'; tail -c $((1 << 20)) "$work/section"; } >> "$work/log"
    cat "$work/log" > "$OUT/run.log"
  fi
  state=ok
  [ $status = 0 ] || state=failed
  [ $status != 124 ] && [ $status != 137 ] || state="timed out"
  if [ "$kind" = tests ]; then
    tests=$(sed -n 's/.*Total: \([0-9]*\), Errors: \([0-9]*\), Failed: \([0-9]*\), Skipped: \([0-9]*\).*/\1 \2 \3 \4/p' "$work/section" | tail -n 1 | awk '{ print $1 - $2 - $3 - $4, $2 + $3, $4 }')
    [ "$state" != ok ] || [[ $tests =~ ^[1-9][0-9]*\ 0\  ]] || state=failed
  fi
  record "$step" "$name" "$state" $((SECONDS - begun)) $status "$tests"
  [ "$state" = ok ] || { tail -n 25 "$work/section" | cut -c 1-300 | sed 's/^/    | /'; return 1; }
}

need_gpus() { # STEP NAME COUNT
  if [ "$gpus" -ge "$3" ]; then return; fi
  if [ "$gpus" = 0 ]; then record "$1" "$2: no GPU (nvidia-smi -L lists none)" failed 0 -1 ""; else record "$1" "$2: needs $3 GPUs, $gpus are here" skipped 0 0 ""; fi
  return 1
}

# Under mpirun every rank of a node, RANKS_PER_NODE of them in a row, says that its host is another one than the other nodes'.
mpi() { # STEP NAME RANKS RANKS_PER_NODE SECONDS COMMAND...
  local step=$1 name=$2 ranks=$3 per_node=$4 limit=$5 launch; shift 5
  launch=("$mpirun" --oversubscribe --bind-to none --timeout $((limit - 5)) -np "$ranks")
  # shellcheck disable=SC2016
  [ "$per_node" = "$ranks" ] || launch+=(bash -c 'node=node$((OMPI_COMM_WORLD_RANK / $0)); COLLECTIVES_HOST_ID=$node NCCL_HOSTID=$node exec "$@"' "$per_node")
  attempt "$step" tests "$name" "$limit" "${launch[@]}" "$@"
}

run_conformance() {
  need_gpus conformance conformance 1 || return
  # Long calls have turns of their own.
  local device=(-namespace 'CollectivesSharp.Conformance.Device*' -class- '*.LongCallsTests' -noColor) sockets=(NCCL_NET=Socket NCCL_SOCKET_IFNAME=lo NCCL_IB_DISABLE=1 NCCL_MNNVL_ENABLE=0) pairs=$((gpus / 2 * 2))
  attempt conformance tests "threads" 240 dotnet "$conformance" "${device[@]}"
  attempt conformance tests "$gpus processes" 180 dotnet "$conformance" --ranks "$gpus" "${device[@]}"
  mpi conformance "mpirun -np $gpus" "$gpus" "$gpus" 180 dotnet "$conformance" "${device[@]}"
  local kernels=(-noColor -class CollectivesSharp.Conformance.Device.PeerAllReduceTests -class CollectivesSharp.Conformance.Device.PeerOrderTests -class CollectivesSharp.Conformance.Device.RouteTests -class CollectivesSharp.Conformance.Device.RmsNormTests)
  local mixed=(-noColor -class '*.MixedCallsTests' -class '*.LongCallsTests') calls=${COLLECTIVES_TEST_CALLS:-100000}
  attempt conformance tests "our kernels, 4 threads that share a GPU" 120 env COLLECTIVES_TEST_VIRTUAL_RANKS=4 dotnet "$conformance" "${kernels[@]}"
  attempt conformance tests "our kernels, ranks that are killed or silent" 300 env COLLECTIVES_TEST_GPUS=1 dotnet "$runtime/failures/CollectivesSharp.Failures.dll" -noColor -class '*.PeerKernelTests'
  attempt conformance tests "our kernels, 2 processes that share a GPU" 120 env COLLECTIVES_TEST_BRIEF=1 COLLECTIVES_TEST_VIRTUAL_RANKS=2 dotnet "$conformance" --ranks 2 "${kernels[@]}"
  attempt conformance tests "mixed and long calls, up to 8 threads that share a GPU" 400 env COLLECTIVES_TEST_VIRTUAL_RANKS=8 CUDA_DEVICE_MAX_CONNECTIONS=32 COLLECTIVES_TEST_CALLS=$((calls / 10)) dotnet "$conformance" "${mixed[@]}"
  attempt conformance tests "mixed and long calls, 4 processes that share a GPU" 400 env COLLECTIVES_TEST_VIRTUAL_RANKS=4 COLLECTIVES_TEST_CALLS=$((calls / 10)) dotnet "$conformance" --ranks 4 "${mixed[@]}"
  mpi conformance "two ranks on one GPU, sockets" 2 1 180 env CUDA_VISIBLE_DEVICES=0 "${sockets[@]}" dotnet "$conformance" "${device[@]}"
  need_gpus conformance "mixed and long calls between GPUs, two nodes" 2 || return
  attempt conformance tests "$calls mixed calls, long calls, threads" 500 env "COLLECTIVES_TEST_CALLS=$calls" dotnet "$conformance" "${mixed[@]}"
  attempt conformance tests "$calls mixed calls, long calls, $gpus processes" 500 env "COLLECTIVES_TEST_CALLS=$calls" dotnet "$conformance" --ranks "$gpus" "${mixed[@]}"
  mpi conformance "two nodes of $((pairs / 2)), sockets" "$pairs" $((pairs / 2)) 240 env "${sockets[@]}" dotnet "$conformance" "${device[@]}"
}

# The reports of all tables so far, as one file.
table() { # STEP NAME SECONDS ARGUMENTS...
  local step=$1 name=$2 limit=$3 file; shift 3
  mkdir -p "$work/tables"
  file=$work/tables/$(find "$work/tables" -type f | wc -l | xargs printf '%03d').json
  attempt "$step" program "$name" "$limit" dotnet "$perf" "$@" --json "$work/report.json" || { rm -f "$work/report.json"; return; }
  { echo "{ \"name\": \"$name\", \"arguments\": \"$*\", \"report\":"; cat "$work/report.json"; echo "}"; } > "$file"
  rm "$work/report.json"
  { echo '{ "tables": ['; for file in "$work"/tables/*; do [ "$file" = "$work/tables/000.json" ] || echo ,; cat "$file"; done; echo ']}'; } > "$OUT/tables.json"
}

run_tables() {
  need_gpus tables tables 1 || return
  local cuda=(--backend cuda -g "$gpus") register collective
  for register in 0 1 2; do
    table tables "all-reduce, -R $register" 150 all-reduce -b 1K -e 256M -f 2 "${cuda[@]}" -R $register
    table tables "all-reduce, -R $register, graph" 150 all-reduce -b 1K -e 256M -f 2 "${cuda[@]}" -R $register -G 20
  done
  table tables "all-reduce, threads" 150 all-reduce -b 1K -e 256M -f 2 "${cuda[@]}" --launch threads
  for collective in reduce broadcast all-gather reduce-scatter gather scatter all-to-all send-receive; do
    table tables "$collective" 60 "$collective" -b 1K -e 64M -f 16 "${cuda[@]}"
    table tables "$collective, graph" 60 "$collective" -b 1K -e 64M -f 16 "${cuda[@]}" -G 20
  done
}

run_torch() {
  need_gpus torch torch 2 || return
  attempt torch program "torch.distributed and bench/Perf" 420 bash "$here/peers/nccl_race.sh" --gpus "$gpus" --perf "$perf" --results "$OUT/nccl-torch.json" --doc "$OUT/nccl-torch.md" || return
  tail -n 50 "$work/section"
}

run_benchmarks() {
  attempt benchmarks program "BenchmarkDotNet" 300 dotnet "$runtime/benchmarks/CollectivesSharp.Benchmarks.dll" --filter "${COLLECTIVES_BUNDLE_FILTER:-*}" --artifacts "$work/benchmarks" --exporters briefjson
  local file comma=
  { echo '{ "reports": ['; for file in "$work"/benchmarks/results/*.json; do [ ! -f "$file" ] || { printf '%s' "$comma"; cat "$file"; comma=,; }; done; echo ']}'; } > "$OUT/benchmarks.json"
}

# Errors that the tool reports are the exit code; those of calls are left out: the tests make some on purpose. A rank waits 60 s for its peers, launches under the tool take milliseconds.
run_sanitizers() {
  need_gpus sanitizers sanitizers 1 || return
  local path sanitizer='' said tool kernels=(-noColor -class '*.PeerAllReduceTests' -class '*.RegisteredTests' -class '*.RmsNormTests' -class '*.MixedCallsTests' -class '*.LongCallsTests')
  for path in "$(command -v compute-sanitizer)" /usr/local/cuda*/bin/compute-sanitizer; do
    [ ! -x "$path" ] || { sanitizer=$path; break; }
  done
  [ -n "$sanitizer" ] || { record sanitizers "compute-sanitizer is neither on the PATH nor in /usr/local/cuda*/bin" skipped 0 0 ""; return; }
  said=$(COLLECTIVES_BUNDLE_TOKEN=$token timeout -k 15 120 "$sanitizer" --require-cuda-init no dotnet "$conformance" -noColor -class '*.BufferTests' 2>&1 < /dev/null || true)
  if [[ $said = *'Device not supported'* ]]; then
    record sanitizers "compute-sanitizer does not support this device or its runtime" skipped 0 0 ""; return
  fi
  for tool in memcheck synccheck; do
    attempt sanitizers tests "$tool" 600 env COLLECTIVES_TEST_BRIEF=1 COLLECTIVES_TEST_VIRTUAL_RANKS=2 CUDA_DEVICE_MAX_CONNECTIONS=32 "$sanitizer" --tool "$tool" --error-exitcode 9 --report-api-errors no --target-processes all dotnet "$conformance" "${kernels[@]}"
  done
}

run_host() {
  local host=(-namespace- 'CollectivesSharp.Conformance.Device*' -noColor)
  attempt host tests "threads" 180 dotnet "$conformance" "${host[@]}"
  attempt host tests "4 processes" 120 dotnet "$conformance" --ranks 4 "${host[@]}"
  mpi host "mpirun -np 3" 3 3 120 dotnet "$conformance" "${host[@]}"
  mpi host "two nodes of 2" 4 2 120 dotnet "$conformance" "${host[@]}"
  table host "all-reduce on host memory" 60 all-reduce --backend host -g 4
}

run_failures() {
  attempt failures tests "failures" 420 env COLLECTIVES_TEST_MPIRUN="$mpirun" dotnet "$runtime/failures/CollectivesSharp.Failures.dll" -noColor
}

: > "$OUT/run.log"
for step in "${steps[@]}"; do "run_$step"; done
echo
[ $failed = 0 ] || grep -vE '^(ok|skipped) ' "$work/recap"
echo "${#rows[@]} turns, $failed failed, $SECONDS s; $(cd "$OUT" && find . -maxdepth 1 -type f -printf '%f ' | tr ' ' '\n' | sort | paste -sd ' ') in $OUT"
[ $failed = 0 ]
