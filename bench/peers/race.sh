#!/usr/bin/env bash
# Races our shared-memory collectives against Open MPI's in one run: the two take turns, round by round, under the same mpirun with the same binding.
# usage: race.sh [--rounds N] [--ranks "2 4"] [--note TEXT] [--no-build]    writes bench/results/mpi-race.json and docs/mpi-race.md
# RACE_WRAP: a command that runs one collective's turn, such as "flock FILE" where a machine is shared.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=5 worlds="2 4" build=1 note=""
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --ranks) worlds=$2; shift 2 ;;
    --note) note=$2; shift 2 ;;
    --no-build) build=; shift ;;
    *) sed -n 2,5p "$0"; exit 2 ;;
  esac
done

mpirun=$(eng/get-openmpi.sh)
devel=$(eng/get-openmpi-headers.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -O2 -o "$work/mpi_bench" bench/peers/mpi_bench.c -I"$devel/include" -L"$devel" -lmpi -Wl,--allow-shlib-undefined
gcc -O2 -o "$work/switch" bench/peers/switch.c
[ -z "$build" ] || dotnet build bench/Perf -c Release -v quiet >&2

# Open MPI as it comes: without --mca but for the complaint about plug-ins whose libraries are not here.
launch=("$mpirun" --mca mca_base_component_show_load_errors 0)
[ "$(id -u)" != 0 ] || launch+=(--allow-run-as-root)
perf=bench/Perf/bin/Release/net10.0/CollectivesSharp.Perf.dll
export TERM=dumb DOTNET_NOLOGO=1

# One program over one band of sizes: rank 0's rows as "bytes,time". The first size of each process is thrown away: it is start-up.
mpi() {
  "${launch[@]}" "${placement[@]}" "$work/mpi_bench" "$collective" $((first / 2)) "$last" "$iterations" "$warmup" | cut -d, -f 2,3 | tail -n +2
}
ours() {
  rm -f "$work/rows.csv"
  "${launch[@]}" "${placement[@]}" dotnet "$perf" "$collective" --backend host -b $((first / 2)) -e "$last" -f 2 -n "$iterations" -w "$warmup" -c 0 --csv "$work/rows.csv" > "$work/table"
  awk -F, '$6 == 0 { print $1 "," $7 }' "$work/rows.csv" | tail -n +2
}

# Enough calls for a clock of nanoseconds, few enough that a round stays short.
bands() {
  if [ "$1" = 2 ]; then echo "8:4096:20000 8192:262144:2000 524288:4194304:200 8388608:67108864:10"
  else echo "8:4096:2000 8192:262144:300 524288:4194304:30 8388608:67108864:3"; fi
}

pair() {
  ranks=$1 collective=$2 round=$3
  IFS=: read -r first last iterations <<< "$4"
  warmup=$((iterations / 10 + 1))
  placement=(-np "$ranks"); [ "$ranks" -le "$(nproc)" ] || placement+=(--oversubscribe)
  order="mpi ours"; [ $((round % 2)) = 0 ] || order="ours mpi"
  for program in $order; do
    "$program" | sed "s/^/$ranks,$collective,$program,/" >> "$work/samples"
  done
}

# One collective's part of a round: the unit that RACE_WRAP wraps.
turn() {
  for band in $(bands "$1"); do pair "$1" "$2" "$3" "$band"; done
}

export -f turn pair bands mpi ours
export work perf
switch_by_yield=$(${RACE_WRAP:-} "$work/switch" yield) switch_by_futex=$(${RACE_WRAP:-} "$work/switch" futex)
started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
for round in $(seq "$rounds"); do
  for ranks in $worlds; do
    for collective in all-reduce all-gather all-to-all; do
      # shellcheck disable=SC2086
      ${RACE_WRAP:-} bash -c "set -euo pipefail; $(declare -p launch); turn $ranks $collective $round"
    done
  done
  echo "round $round of $rounds" >&2
done

info() { OPAL_PREFIX=$(dirname "$mpirun")/usr LD_LIBRARY_PATH=$(printf '%s:' "$(dirname "$mpirun")"/{usr/lib,lib}/*-linux-gnu) "$(dirname "$mpirun")/usr/bin/ompi_info" "$@" 2>/dev/null; }
single_copy=$(info --param btl vader --level 9 | sed -n 's/.*"btl_vader_single_copy_mechanism" (current value: "\([^"]*\)".*/\1/p')
version=$("$mpirun" --version | sed -n '1s/.* //p')
processor=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD -- Collectives Interop bench/Perf 2>/dev/null || echo +)

# Median and minimum of the rounds; the ratio is Open MPI's over ours. Rows: ranks,collective,size,rounds,mpi,ours,ratio,mpi_min,ours_min,ratio_min
sort -t, -k1,1n -k2,2 -k4,4n -k3,3 -k5,5g "$work/samples" | awk -F, '
  function flush() {
    if (n == 0) return
    median = n % 2 ? t[(n + 1) / 2] : (t[n / 2] + t[n / 2 + 1]) / 2
    if (who == "mpi") { mpi = median; least = t[1] }
    else if (mpi != "") printf "%s,%d,%.3f,%.3f,%.3f,%.3f,%.3f,%.3f\n", row, n, mpi, median, mpi / median, least, t[1], least / t[1]
    n = 0
  }
  { r = $1 "," $2 "," $4; if (r != row || $3 != who) { flush(); if (r != row) mpi = ""; row = r; who = $3 } t[++n] = $5 }
  END { flush() }' > "$work/rows"

results=bench/results/mpi-race.json
{
  echo "{"
  echo "  \"what\": \"shared-memory collectives against Open MPI, float, out of place; times in microseconds: mean over calls and ranks, then median and minimum over the rounds; ratio: Open MPI's over ours\","
  echo "  \"command\": \"bench/peers/race.sh --rounds $rounds --ranks '$worlds'\","
  echo "  \"note\": \"$note\","
  echo "  \"started\": \"$started\","
  echo "  \"version\": \"$commit, .NET $(dotnet --list-runtimes | sed -n 's/^Microsoft.NETCore.App \(10[^ ]*\).*/\1/p' | tail -n 1)\","
  echo "  \"machine\": { \"processor\": \"$processor\", \"processors\": $(nproc), \"operating_system\": \"$(uname -sr)\", \"switch_by_sched_yield\": $switch_by_yield, \"switch_by_futex\": $switch_by_futex },"
  echo "  \"open_mpi\": { \"version\": \"$version\", \"settings\": \"as it comes\", \"btl_vader_single_copy_mechanism\": \"$single_copy\", \"with_more_ranks_than_cores\": \"--oversubscribe, which sets mpi_yield_when_idle and binds to nothing\", \"otherwise\": \"bound to a core each\" },"
  echo "  \"rows\": ["
  awk -F, '{ printf "%s    { \"ranks\": %s, \"collective\": \"%s\", \"size\": %s, \"rounds\": %s, \"open_mpi\": %s, \"ours\": %s, \"ratio\": %s, \"open_mpi_min\": %s, \"ours_min\": %s, \"ratio_min\": %s }", NR == 1 ? "" : ",\n", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }
       END { print "" }' "$work/rows"
  echo "  ]"
  echo "}"
} > "$results"

{
  echo "# How fast is host memory, against Open MPI?"
  echo
  echo "Written by \`bench/peers/race.sh\` from [\`$results\`](../$results); run it to get your own. $processor, $(nproc) cores, $(uname -sr); Open MPI $version as it comes"
  echo "(single copy: $single_copy), .NET; $rounds rounds in which the two take turns under one mpirun. Microseconds a call, float, out of place: the mean over calls and ranks, then the median over the rounds."
  echo "*x* is Open MPI's time over ours. The definitions are [bench/Perf's](perf.md) for both; the minima are in the JSON."
  [ -z "$note" ] || { echo; echo "Note: $note."; }
  for ranks in $worlds; do
    echo
    if [ "$ranks" -le "$(nproc)" ]; then echo "## $ranks ranks, a core each"; else echo "## $ranks ranks on $(nproc) cores"; echo; echo "\`--oversubscribe\`: Open MPI yields when idle (mpi_yield_when_idle), nobody is bound. Two ranks of a core must both have run, so a call takes at least one switch of context a core; between two processes"
      echo "on a core one takes $switch_by_yield µs by sched_yield and $switch_by_futex by futex here, before the run (\`bench/peers/switch.c\`)."; fi
    echo
    echo "| size | all-reduce: MPI | ours | x | all-gather: MPI | ours | x | all-to-all: MPI | ours | x |"
    echo "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    awk -F, -v ranks="$ranks" '
      function text(v) { return v >= 100 ? sprintf("%.0f", v) : v >= 10 ? sprintf("%.1f", v) : sprintf("%.2f", v) }
      $1 == ranks { all[$2] = 1; if (!($3 in seen)) { seen[$3] = 1; sizes[++n] = $3 } cell[$3, $2] = text($5) " | " text($6) " | " sprintf("%.2f", $7) }
      END { for (i = 1; i <= n; i++) { s = sizes[i]; for (c in all) if (!((s, c) in cell)) cell[s, c] = " |  | "; print "| " (s >= 1048576 ? s / 1048576 " MiB" : s >= 1024 ? s / 1024 " KiB" : s " B") " | " cell[s, "all-reduce"] " | " cell[s, "all-gather"] " | " cell[s, "all-to-all"] " |" } }
    ' <(sort -t, -k3,3n "$work/rows")
  done
} > docs/mpi-race.md
cat docs/mpi-race.md
