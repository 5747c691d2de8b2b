#!/usr/bin/env bash
# Builds, checks the format and runs every test; ends with "N passed, N failed, N skipped". Brings what it needs.
# --full runs the long versions.
set -uo pipefail
cd "$(dirname "$0")"
# Programs that live for seconds don't earn back what profiling their methods costs.
export TERM=dumb DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_TieredPGO=0
[ "${1:-}" = --full ] && export COLLECTIVES_TEST_KILLS=${COLLECTIVES_TEST_KILLS:-500} COLLECTIVES_TEST_FUZZ=${COLLECTIVES_TEST_FUZZ:-1000000} COLLECTIVES_TEST_KERNELS=all COLLECTIVES_TEST_CALLS=${COLLECTIVES_TEST_CALLS:-10000} \
  COLLECTIVES_TEST_EMULATOR_SECONDS=${COLLECTIVES_TEST_EMULATOR_SECONDS:-3600} COLLECTIVES_TEST_EMULATOR_SEED=${COLLECTIVES_TEST_EMULATOR_SEED:-$(date +%s)}

passed=0 failed=0 skipped=0
# What a step took is told in its place.
exec 2>&1
logs=$(mktemp -d)
trap 'for lane in $(jobs -pr); do kill -- "-$lane"; done; rm -rf "$logs"' EXIT
TIMEFORMAT='   (%0R s, of the processors %0U + %0S s)'

finish() {
  echo
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}

# A step that is no test program: it passes or fails as a whole.
check() {
  local name=$1; shift
  echo "== $name"
  if time "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1)); echo "   FAILED: $name"; return 1
  fi
}

# A test program of xunit: its own summary is counted. One that ran nothing, or ended without a summary, has failed.
tests() {
  local name=$1 log="$logs/log" total errors failures skips; shift
  echo "== $name"
  time "$@" 2>&1 | tee "$log" | grep -vE '^(xUnit|  (Discover|Start|Finish)|=== )|^$'
  local status=${PIPESTATUS[0]}
  read -r total errors failures skips < <(sed -n 's/.*Total: \([0-9]*\), Errors: \([0-9]*\), Failed: \([0-9]*\), Skipped: \([0-9]*\).*/\1 \2 \3 \4/p' "$log" | tail -n 1)
  total=${total:-0} errors=${errors:-0} failures=${failures:-0} skips=${skips:-0}
  if [ "$total" = 0 ] || { [ "$status" != 0 ] && [ $((errors + failures)) = 0 ]; }; then
    failed=$((failed + 1)); echo "   FAILED: $name: $total tests ran, exit code $status"
  fi
  passed=$((passed + total - errors - failures - skips)) failed=$((failed + errors + failures)) skipped=$((skipped + skips))
}

skip() {
  echo "== $1: SKIPPED: $2"
  # In CI only a missing GPU or kernel privilege may skip.
  if [ -n "${CI:-}" ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
}

# Runs functions of steps side by side: steps that leave a processor idle, by computing on one or by waiting, and whose times mean nothing. What each says comes whole, in this order. Each has a folder of its own in $logs.
together() {
  local lane lanes=() more
  for lane; do
    mkdir "$logs/$lane"
    # A process group each, by which the end of this script ends what they have started.
    set -m
    (logs=$logs/$lane passed=0 failed=0 skipped=0; "$lane"; echo "$passed $failed $skipped" > "$logs/counts") > "$logs/$lane/said" 2>&1 < /dev/null &
    lanes+=($!)
    set +m
  done
  for lane; do
    wait "${lanes[0]}"; lanes=("${lanes[@]:1}")
    cat "$logs/$lane/said"
    if read -ra more 2> /dev/null < "$logs/$lane/counts"; then
      passed=$((passed + more[0])) failed=$((failed + more[1])) skipped=$((skipped + more[2]))
    else
      failed=$((failed + 1)); echo "   FAILED: $lane ended early"
    fi
  done
}

command -v dotnet >/dev/null || { echo "The .NET 10 SDK is needed: https://dot.net"; failed=1; finish; }
out=bin/Release/net10.0
conformance=tests/Conformance/$out/CollectivesSharp.Conformance.dll

# All projects by one compiler process, which compiles its own methods once; it takes half the time, and would stay for ten minutes.
build() {
  dotnet build -c Release -warnaserror -v quiet -p:UseSharedCompilation=true
  local status=$?
  dotnet build-server shutdown --vbcscompiler > /dev/null
  return "$status"
}
check "build" build || finish

# The libraries that a GPU machine has; without a GPU the distribution's, of which all but the device can be tried.
native=(dotnet "tests/Native/$out/CollectivesSharp.Native.dll" -noColor)
nccl_imports='*.Every_import_of_nccl_*'
[ -e /proc/driver/nvidia ] || nvidia=$(eng/get-nvidia.sh)
bindings() {
  if [ -e /proc/driver/nvidia ]; then
    tests "native" "${native[@]}"
  elif [ -n "$nvidia" ]; then
    tests "native" env COLLECTIVES_CUDA_PATH="$nvidia" COLLECTIVES_NVML_PATH="$nvidia" COLLECTIVES_NVRTC_PATH="$nvidia" "${native[@]}" -method- "$nccl_imports"
  else
    skip "native, imports and kernels" "NVRTC, libcuda and NVML could not be brought here"
    tests "native, without NVIDIA's libraries" "${native[@]}"
  fi
}
parts() {
  check "format" dotnet format whitespace --folder --verify-no-changes --exclude '**/bin/**' '**/obj/**'
  tests "unit" dotnet "tests/Unit/$out/CollectivesSharp.Unit.dll" -noColor
  tests "topology" dotnet "tests/Topology/$out/CollectivesSharp.Topology.Tests.dll" -noColor
}
together parts bindings

# gcc builds the stubs, g++ the kernels for the emulator.
compiler() { { command -v gcc && command -v g++; } > /dev/null || { [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y gcc g++ libc6-dev; }; }

# The kernels on the CPU, in every order that the memory model allows.
compiler || { echo "gcc and g++ are needed"; failed=$((failed + 1)); finish; }
tests "kernel emulator" dotnet "tests/KernelEmulator/$out/CollectivesSharp.KernelEmulator.dll" -noColor

# A driver and an NCCL of our own that need no GPU (tests/Stubs).
stubs=$logs/stubs
build_stubs() { compiler && eng/build-stubs.sh "$stubs"; }
check "stubs" build_stubs || finish
# They export the names of real releases, of which the oldest lacks what is declared as newer.
for release in old new; do
  tests "native, the imports of NCCL: $release" env COLLECTIVES_NCCL_PATH="$stubs/$release" "${native[@]}" -method "$nccl_imports"
done

gpu='CollectivesSharp.Conformance.Device*'
host=(-noColor -namespace- "$gpu")
tests "conformance, ranks as threads" dotnet "$conformance" "${host[@]}"
tests "conformance, 4 processes" dotnet "$conformance" --ranks 4 "${host[@]}"
COLLECTIVES_TEST_NODES=3,interleaved tests "conformance, threads that play 3 nodes" dotnet "$conformance" "${host[@]}"
COLLECTIVES_TEST_NODES=2 tests "conformance, 4 processes on 2 nodes" dotnet "$conformance" --ranks 4 "${host[@]}"

# Device memory, over the stubs. All cases by threads; by processes, which reach each other in another way and do the same then, a handful.
device=(-noColor -namespace "$gpu")
# What NCCL and the launcher have no part in ran by threads and by processes.
again=("${device[@]}" -class- "*.TuningTests" -class- "*.LitmusTests" -class- "*.RmsNormTests" -class- "*.CopyEngineTests" -class- "*.RegisteredTests" -class- "*.MixedCallsTests" -class- "*.LongCallsTests")
over_stubs() { # NAME [VARIABLE=VALUE...] COMMAND...
  local name=$1; shift
  tests "device memory over stubs, $name" env COLLECTIVES_CUDA_PATH="$stubs" COLLECTIVES_NCCL_PATH="$stubs" COLLECTIVES_NVRTC_PATH="$stubs" STUB_CUDA_DEVICES=4 "$@"
}
over_stubs "threads" STUB_CUDA_DEVICES=2 dotnet "$conformance" "${device[@]}"
over_stubs "threads, NCCL 2.18" STUB_CUDA_DEVICES=3 COLLECTIVES_NCCL_PATH="$stubs/old" COLLECTIVES_TEST_BRIEF=1 dotnet "$conformance" "${again[@]}" -class- "*.Peer*" -class- "*.RouteTests"
# A launcher brings the ranks together; what they do then ran before.
launched=(-noColor -class CollectivesSharp.Conformance.Device.CollectiveTests -class CollectivesSharp.Conformance.Device.SubGroupTests)
over_stubs "4 processes" COLLECTIVES_TEST_BRIEF=1 dotnet "$conformance" --ranks 4 "${device[@]}" -class- "*.LongCallsTests"
over_stubs "4 processes on 2 nodes" COLLECTIVES_TEST_NODES=2 dotnet "$conformance" --ranks 4 "${again[@]}"
kernels=(-noColor -class CollectivesSharp.Conformance.Device.PeerAllReduceTests -class CollectivesSharp.Conformance.Device.PeerOrderTests -class CollectivesSharp.Conformance.Device.RouteTests -class CollectivesSharp.Conformance.Device.RmsNormTests -class CollectivesSharp.Conformance.Device.RegisteredTests -class "*.MixedCallsTests" -class "*.LongCallsTests")
over_stubs "our kernels, 4 threads that share a GPU" STUB_CUDA_DEVICES=1 STUB_CUDA_FIRST_KERNEL_WAITS=1 COLLECTIVES_TEST_BRIEF=1 COLLECTIVES_TEST_VIRTUAL_RANKS=4 dotnet "$conformance" "${kernels[@]}"
over_stubs "our kernels, 3 processes that share a GPU" COLLECTIVES_TEST_BRIEF=1 COLLECTIVES_TEST_VIRTUAL_RANKS=3 dotnet "$conformance" --ranks 3 "${kernels[@]}" -class- "*.PeerAllReduceTests" -class- "*.MixedCallsTests"
over_stubs "2 processes that share a GPU" COLLECTIVES_TEST_SHARED_DEVICE=1 dotnet "$conformance" --ranks 2 "${again[@]}"

mpirun=$(command -v mpirun || eng/get-openmpi.sh)
if [ -n "$mpirun" ]; then
  root=(); [ "$(id -u)" = 0 ] && root=(--allow-run-as-root)
  tests "conformance, mpirun -np 3" "$mpirun" "${root[@]}" --oversubscribe -np 3 dotnet "$conformance" "${host[@]}"
  over_stubs "mpirun -np 2" COLLECTIVES_TEST_BRIEF=1 "$mpirun" "${root[@]}" --oversubscribe -np 2 dotnet "$conformance" "${launched[@]}"
  # Plug-ins for networks that this machine lacks are left alone: some complain.
  export COLLECTIVES_TEST_MPIRUN=$mpirun OMPI_MCA_mca_base_component_show_load_errors=0 OMPI_MCA_pml=ob1
  tests "conformance over Open MPI, 4 ranks" env COLLECTIVES_HOST_TRANSPORT=mpi "$mpirun" "${root[@]}" --oversubscribe -np 4 dotnet "$conformance" "${host[@]}"
else
  skip "conformance under mpirun" "Open MPI could not be brought here"
fi

mpiexec=$(command -v mpiexec.hydra || eng/get-mpich.sh)
if [ -n "$mpiexec" ]; then
  tests "conformance, mpiexec.hydra -n 3" "$mpiexec" -n 3 dotnet "$conformance" "${host[@]}" -class- CollectivesSharp.Conformance.CollectiveTests
  over_stubs "mpiexec.hydra -n 2" COLLECTIVES_TEST_BRIEF=1 "$mpiexec" -n 2 dotnet "$conformance" "${launched[@]}"
  tests "conformance over MPICH, 3 ranks" env COLLECTIVES_HOST_TRANSPORT=mpi "$mpiexec" -n 3 dotnet "$conformance" "${host[@]}"
else
  skip "conformance under mpiexec.hydra" "MPICH could not be brought here"
fi

COLLECTIVES_TEST_STUBS=$stubs tests "failures" env COLLECTIVES_NVRTC_PATH="$stubs" dotnet "tests/Failures/$out/CollectivesSharp.Failures.dll" -noColor

perf=(dotnet "bench/Perf/$out/CollectivesSharp.Perf.dll")
table() {
  "${perf[@]}" "$@" --json "$logs/table.json" > "$logs/table" || { cat "$logs/table"; return 1; }
  grep -q '"nwrong": 0' "$logs/table.json" && ! grep -q '"nwrong": [1-9]' "$logs/table.json" && tail -n 4 "$logs/table"
}
# The main job, as a newcomer types it.
newcomer() { local perf=(dotnet run -c Release --no-build --project bench/Perf --); table all-reduce; }
tables() {
  for collective in reduce all-gather reduce-scatter gather scatter all-to-all send-receive barrier; do
    table "$collective" --launch threads -g 3 -r all -b 12 -e 64K -f 32 -n 3 -w 1 || return 1
  done
  "${perf[@]}" all-reduce --fresh --launch threads -g 3 -b 12 -e 4K -f 32 -n 3 -w 1 --json "$logs/table.json" > "$logs/table" && grep -q '"fresh": true' "$logs/table.json" || { cat "$logs/table"; return 1; }
}
# Every route over the stubs, where times mean nothing; the table is found again.
routes() {
  local over=(env COLLECTIVES_CUDA_PATH="$stubs" COLLECTIVES_NCCL_PATH="$stubs" COLLECTIVES_NVRTC_PATH="$stubs" STUB_CUDA_DEVICES=2 COLLECTIVES_TUNING_CACHE="$logs/tuning" "${perf[@]}")
  local few=(--launch threads -b 1K -e 8K -f 8 -n 2 --rounds 2)
  "${over[@]}" tune "${few[@]}" > "$logs/routes" && "${over[@]}" all-reduce --compare -d bfloat16 "${few[@]}" --json "$logs/routes.json" --svg "$logs/routes.svg" > "$logs/routes" && grep -q "table: $logs/tuning/" "$logs/routes" &&
    grep -q '"best"' "$logs/routes.json" && grep -q '"Nccl": 0' "$logs/routes.json" && grep -q '</svg>' "$logs/routes.svg" && tail -n 1 "$logs/routes" || { cat "$logs/routes"; return 1; }
  "${over[@]}" barrier --backend cuda --launch threads -n 2 -w 1 -G 2 > "$logs/routes" && grep -q '^# Collective test concluded: barrier' "$logs/routes" || { cat "$logs/routes"; return 1; }
  # An NCCL that moves nothing is found out.
  ! STUB_NCCL_NOOP=1 "${over[@]}" all-reduce --compare -d bfloat16 "${few[@]}" > "$logs/routes" && grep -q '^# WRONG: .* by Nccl, 8192 bytes' "$logs/routes" && ! grep -q '^# WRONG: .* by OneShot' "$logs/routes" || { cat "$logs/routes"; return 1; }
}

# A machine is recorded, shown and given to NCCL's format, by the commands that a person types.
topology() {
  "${perf[@]}" topology snapshot "$logs/machine" > "$logs/topology" && "${perf[@]}" topology --from "$logs/machine" --json "$logs/machine.json" --svg "$logs/machine.svg" > "$logs/topology" 2>&1 &&
    "${perf[@]}" topology --from tests/Topology/snapshots/dgx-a100 --nccl-xml "$logs/dgx.xml" > /dev/null 2>&1 && "${perf[@]}" topology --from "$logs/dgx.xml" 2>&1 | grep -q '^GPU7.*NV12' || { cat "$logs/topology"; return 1; }
}

# A few calls of each case, without an SDK's help; the times mean nothing.
benchmarks() {
  (cd "$logs" && dotnet "$OLDPWD/bench/Benchmarks/$out/CollectivesSharp.Benchmarks.dll" --quick --filter '*') > "$logs/benchmarks" 2>&1 || { tail -n 40 "$logs/benchmarks"; return 1; }
  grep -m 2 '^|' "$logs/benchmarks"
}

# Device memory over a driver and an NCCL that are stubs. The check of results is compiled by the real NVRTC, and run by the stub as C.
on_stubs() (
  export COLLECTIVES_CUDA_PATH=$stubs COLLECTIVES_NCCL_PATH=$stubs STUB_CUDA_DEVICES=3
  [ -z "${nvidia:-}" ] || export COLLECTIVES_NVRTC_PATH=$nvidia
  "$@"
)
device_tables() {
  for collective in reduce-scatter gather send-receive; do
    table "$collective" --backend cuda --launch threads -b 64 -e 2K -f 32 -n 3 -w 1 -G 2 -R 1 || return 1
  done
}
device_benchmarks() {
  (cd "$logs" && dotnet "$OLDPWD/bench/Benchmarks/$out/CollectivesSharp.Benchmarks.dll" --quick --filter '*DeviceCollectives*Bytes: 1024,*' '*NcclCallCost*') > "$logs/benchmarks" 2>&1 || { tail -n 40 "$logs/benchmarks"; return 1; }
  grep '^|' "$logs/benchmarks"
}
pairs() {
  "${perf[@]}" topology --measure --bytes 65536 --json "$logs/pairs.json" > "$logs/pairs" 2>&1 &&
    [ "$(grep -c '"transport": "PeerMemory"' "$logs/pairs.json")" = 6 ] && ! grep -q '"wrong_bytes": [1-9]' "$logs/pairs.json" || { cat "$logs/pairs"; return 1; }
}
# Every pair in the stub's kernels; by the real NVRTC every type, and every operation in float, in an integer narrower than int and in double: most others are combined in one of these ways (--full compiles all for tests/Native, products of int32 and int64 too).
every_type() {
  local compiled=(--backend cuda --launch threads -g 3 -b 64 -e 64 -n 1 -w 0) type
  COLLECTIVES_NVRTC_PATH=$stubs table all-reduce --backend cuda -d all -o all -b 64 -e 1K -f 16 -n 3 -w 1 -G 3 -R 2 && table all-reduce "${compiled[@]}" -d all || return 1
  for type in bfloat16 uint8 double; do
    table all-reduce "${compiled[@]}" -d "$type" -o all || return 1
  done
}

on_host() {
  check "perf all-reduce" newcomer
  check "perf broadcast of every type, threads" table broadcast --launch threads -d all -e 4K -r all
  check "perf, every other collective" tables
  check "perf, routes compared and tuned" routes
  check "perf topology" topology
}
on_devices() {
  tests "the check of results on a device, over the stubs" on_stubs "${native[@]}" -class CollectivesSharp.Native.PatternTests
  check "perf over the stubs, every type and operation" on_stubs every_type
  check "perf over the stubs, other collectives" on_stubs device_tables
  check "perf topology --measure over the stubs" on_stubs pairs
}
together on_host on_devices
check "benchmarks" benchmarks
check "benchmarks over the stubs" on_stubs device_benchmarks
finish
