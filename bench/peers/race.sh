#!/usr/bin/env bash
# Races our shared-memory collectives against Open MPI's in one run: the two take turns, round by round, under the same mpirun with the same binding.
# usage: race.sh [--rounds N] [--ranks "2 4"] [--fresh | --no-fresh] [--memory | --no-memory] [--results FILE] [--doc FILE] [--note TEXT] [--no-build]
# Writes bench/results/mpi-race.json and docs/mpi-race.md, whole: what this run didn't measure is not in them. Needs python3.
# Inputs are once what the call before left there, and once, where each rank has a core, just written: --fresh measures only the latter, --no-fresh only the former.
# Buffers are once the program's own, and once the group's (AllocateHost), against MPI_Alloc_mem's: --memory measures only the latter, --no-memory only the former.
# RACE_WRAP: a command that runs one collective's turn, such as "flock FILE" where a machine is shared.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=5 worlds="2 4" kinds="same fresh" memories="own group" only="" build=1 note="" results=bench/results/mpi-race.json doc=docs/mpi-race.md
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --ranks) worlds=$2; shift 2 ;;
    --fresh) kinds=fresh only+=" $1"; shift ;;
    --no-fresh) kinds=same only+=" $1"; shift ;;
    --memory) memories=group only+=" $1"; shift ;;
    --no-memory) memories=own only+=" $1"; shift ;;
    --results) results=$2; shift 2 ;;
    --doc) doc=$2; shift 2 ;;
    --note) note=$2; shift 2 ;;
    --no-build) build=; shift ;;
    *) sed -n 2,7p "$0"; exit 2 ;;
  esac
done
# With fewer cores than ranks a call's time is that of switches, and the reader's cache may be the writer's.
fresh_worlds=$(for ranks in $worlds; do [ "$ranks" -gt "$(nproc)" ] || echo "$ranks"; done)
[ "$kinds" != fresh ] || [ -n "$fresh_worlds" ] || { echo "--fresh --ranks '$worlds': fresh inputs are measured where each rank has a core; there are $(nproc)." >&2; exit 2; }

mpirun=$(eng/get-openmpi.sh)
devel=$(eng/get-openmpi-headers.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -O3 -o "$work/mpi_bench" bench/peers/mpi_bench.c -I"$devel/include" -L"$devel" -lmpi -Wl,--allow-shlib-undefined
gcc -O2 -o "$work/switch" bench/peers/switch.c
[ -z "$build" ] || dotnet build bench/Perf -c Release -v quiet >&2

# Open MPI as it comes: without --mca but for the complaint about plug-ins whose libraries are not here.
launch=("$mpirun" --mca mca_base_component_show_load_errors 0)
[ "$(id -u)" != 0 ] || launch+=(--allow-run-as-root)
perf=bench/Perf/bin/Release/net10.0/CollectivesSharp.Perf.dll
export TERM=dumb DOTNET_NOLOGO=1

# One program over one band of sizes: rank 0's rows as "bytes,time". The first size of each process is thrown away: it is start-up.
mpi() {
  local how=(); [ "$inputs" = same ] || how+=(fresh); [ "$memory" = own ] || how+=(alloc)
  "${launch[@]}" "${placement[@]}" "$work/mpi_bench" "$collective" $((first / 2)) "$last" "$iterations" "$warmup" "${how[@]}" | cut -d, -f 2,3 | tail -n +2
}
ours() {
  local how=(); [ "$inputs" = same ] || how+=(--fresh); [ "$memory" = own ] || how+=(--group-memory)
  rm -f "$work/rows.csv"
  "${launch[@]}" "${placement[@]}" dotnet "$perf" "$collective" --backend host -b $((first / 2)) -e "$last" -f 2 -n "$iterations" -w "$warmup" -c 0 "${how[@]}" --csv "$work/rows.csv" > "$work/table"
  awk -F, '$6 == 0 { print $1 "," $7 }' "$work/rows.csv" | tail -n +2
}

# Enough calls for a clock of nanoseconds, few enough that a round stays short: RANKS INPUTS. Writing takes longer than most calls.
bands() {
  if [ "$1" != 2 ]; then echo "8:4096:2000 8192:262144:300 524288:4194304:30 8388608:67108864:3"
  elif [ "$2" = fresh ]; then echo "8:4096:5000 8192:262144:500 524288:4194304:50 8388608:67108864:5"
  else echo "8:4096:20000 8192:262144:2000 524288:4194304:200 8388608:67108864:10"; fi
}

pair() {
  ranks=$1 collective=$2 inputs=$3 memory=$4 round=$5
  IFS=: read -r first last iterations <<< "$6"
  warmup=$((iterations / 10 + 1))
  placement=(-np "$ranks"); [ "$ranks" -le "$(nproc)" ] || placement+=(--oversubscribe)
  order="mpi ours"; [ $((round % 2)) = 0 ] || order="ours mpi"
  for program in $order; do
    "$program" | sed "s/^/$ranks,$collective,$inputs,$memory,$program,/" >> "$work/samples"
  done
}

# One collective's part of a round: the unit that RACE_WRAP wraps.
turn() {
  for band in $(bands "$1" "$3"); do pair "$1" "$2" "$3" "$4" "$5" "$band"; done
}

export -f turn pair bands mpi ours
export work perf
switch_by_yield=$(${RACE_WRAP:-} "$work/switch" yield) switch_by_futex=$(${RACE_WRAP:-} "$work/switch" futex)
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
for round in $(seq "$rounds"); do
  for inputs in $kinds; do
    for ranks in $(if [ "$inputs" = fresh ]; then echo "$fresh_worlds"; else echo "$worlds"; fi); do
      for memory in $memories; do
        for collective in all-reduce all-gather all-to-all; do
          # shellcheck disable=SC2086
          ${RACE_WRAP:-} bash -c "set -euo pipefail; $(declare -p launch); turn $ranks $collective $inputs $memory $round"
        done
      done
    done
  done
  echo "round $round of $rounds" >&2
done

info() { OPAL_PREFIX=$(dirname "$mpirun")/usr LD_LIBRARY_PATH=$(printf '%s:' "$(dirname "$mpirun")"/{usr/lib,lib}/*-linux-gnu) "$(dirname "$mpirun")/usr/bin/ompi_info" "$@" 2>/dev/null; }
single_copy=$(info --param btl vader --level 9 | sed -n 's/.*"btl_vader_single_copy_mechanism" (current value: "\([^"]*\)".*/\1/p')
version=$("$mpirun" --version | sed -n '1s/.* //p')
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD -- Collectives Interop bench/Perf 2>/dev/null || echo +)
runtime=$(dotnet --list-runtimes | sed -n 's/^Microsoft.NETCore.App \(10[^ ]*\).*/\1/p' | tail -n 1)

python3 bench/peers/mpi_merge.py race "$work/samples" "$results" "bench/peers/race.sh --rounds $rounds --ranks '$worlds'$only" "$note" "$started" "$commit, .NET $runtime" "$version" "$single_copy" "$switch_by_yield" "$switch_by_futex"
python3 bench/peers/mpi_merge.py page "$results" "$doc"
cat "$doc"
