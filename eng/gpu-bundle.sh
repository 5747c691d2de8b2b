#!/usr/bin/env bash
# Packs everything that a GPU machine without .NET needs into one folder of less than 55 MiB: the .NET runtime, Open MPI, the built programs, run.sh.
# usage: eng/gpu-bundle.sh [--no-build] [DEST]    DEST: bundle (git ignores it); there: ./run.sh conformance tables torch benchmarks
set -euo pipefail
cd "$(dirname "$0")/.."
build=1 dest=
while [ $# -gt 0 ]; do
  case $1 in
    --no-build) build=; shift ;;
    -*) sed -n 2,3p "$0"; exit 2 ;;
    *) dest=$1; shift ;;
  esac
done
dest=${dest:-bundle}
limit=$((55 << 20))
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

# The same runtime that the tests here ran on. Its archive is kept when it is there already: it takes half a minute to press.
read -r runtime shared < <(dotnet --list-runtimes | sed -n 's/^Microsoft.NETCore.App \(10[^ ]*\) \[\(.*\)\]$/\1 \2/p' | tail -n 1) || { echo "dotnet --list-runtimes names no Microsoft.NETCore.App 10; install the .NET 10 SDK." >&2; exit 1; }
root=$(dirname "$(dirname "$shared")")
mpirun=$(eng/get-openmpi.sh)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$dest"
rm -rf "$dest"/{VERSION,run.sh,peers,apps.tar.xz,openmpi.tar.xz}
find "$dest" -maxdepth 1 -name 'dotnet-runtime-*.tar.xz' ! -name "dotnet-runtime-$runtime.tar.xz" -delete

# Nothing of whoever packs gets in: no names of users, no times.
pack() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - "$@" | xz -9 -T0; }

if [ ! -f "$dest/dotnet-runtime-$runtime.tar.xz" ]; then
  pack -C "$root" --exclude='*/libmscordbi.so' --exclude='*/libmscordaccore.so' --exclude='*/libclrgc*.so' --exclude='*/createdump' --exclude='*/libcoreclrtraceptprovider.so' \
    --exclude='*/Microsoft.VisualBasic*' dotnet "host/fxr/$runtime" "shared/Microsoft.NETCore.App/$runtime" > "$work/runtime"
  mv "$work/runtime" "$dest/dotnet-runtime-$runtime.tar.xz"
fi

pack -C "$(dirname "$mpirun")" --exclude=./devel --exclude=./usr/share/doc --exclude=./usr/share/man . > "$dest/openmpi.tar.xz"

# As built, without what is for people, other machines and other languages. Packed together: most of their libraries are the same files.
rid=linux-$(case $(uname -m) in x86_64) echo x64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac)
for project in tests/Conformance tests/Failures bench/Perf bench/Benchmarks; do
  [ -z "$build" ] || dotnet build "$project" -c Release -v quiet >&2
  app=$work/apps/$(basename "${project,,}")
  mkdir -p "$app"
  cp -R "$project/bin/Release/net10.0/." "$app"
  find "$app" \( -name '*.pdb' -o -name '*.xml' \) -delete
  find "$app" -mindepth 2 -name '*.resources.dll' -delete
  # BenchmarkDotNet's native helpers, for Windows.
  rm -rf "$app"/{amd64,arm64,x86}
  [ ! -d "$app/runtimes" ] || find "$app/runtimes" -mindepth 1 -maxdepth 1 ! -name "$rid" -exec rm -rf {} +
  find "$app" -type d -empty -delete
done
pack -C "$work/apps" . > "$dest/apps.tar.xz"

install -m 755 eng/gpu/run.sh "$dest/run.sh"
mkdir -p "$dest/peers"
cp bench/peers/{nccl_race.sh,nccl_merge.py,torch_nccl.py,torch_symmetric.py} "$dest/peers/"
echo "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD 2>/dev/null || echo +)" > "$dest/VERSION"

size=$(du -sb "$dest" | cut -f 1)
(cd "$dest" && find . -type f -printf '%9s %P\n' | sort -k 2)
printf '%9d in %s: %d.%d MiB\n' "$size" "$dest" $((size >> 20)) $((size % (1 << 20) * 10 >> 20))
[ "$size" -le "$limit" ] || { echo "The bundle is larger than $((limit >> 20)) MiB." >&2; exit 1; }
