#!/usr/bin/env bash
# build.sh PROGRAM [-DNAME=VALUE...]: compiles programs/PROGRAM.cpp, the kernels that it includes and the emulator, as far as that was not done before, and prints the binary's path.
# KERNELS is the folder of the kernels' sources (default: Cuda/Kernels/Source), EMULATOR_CACHE the folder where all is kept (default: obj/emulator here). Needs g++.
set -euo pipefail
[ $# -ge 1 ] || { sed -n 2,3p "$0" >&2; exit 2; }
command -v g++ > /dev/null || { echo "g++ is needed to run the kernels on the CPU (Debian: apt-get install g++)" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
shipped=$here/../../Cuda/Kernels/Source
kernels=${KERNELS:-$shipped}
cache=${EMULATOR_CACHE:-$here/obj/emulator}
program=$1; shift
flags=(-std=c++17 -ffp-contract=off -g -Wall -Werror -Wno-unknown-pragmas -Wno-sign-compare "-I$here/emulator")
mkdir -p "$cache"

key_of() { # FILE...: of their contents, names left out
  { g++ -dumpfullversion; echo "${flags[@]}"; cat "$@"; } | sha256sum | cut -c1-16
}

# Without device.cuh, so that the emulator's is found in its place: a quoted include looks beside the including file first.
sources() { # FOLDER
  local key folder
  key=$(cd "$1" && key_of *.cu *.cuh)
  folder=$cache/sources-$key
  if [ ! -d "$folder" ]; then
    mkdir "$folder.$$"
    cp "$1"/*.cu "$1"/*.cuh "$folder.$$"
    rm "$folder.$$/device.cuh"
    mv -T "$folder.$$" "$folder" 2> /dev/null || rm -rf "$folder.$$"
  fi
  echo "$folder"
}

# The emulator itself, always with the shipped sources.
mapfile -t files < <(find "$here/emulator" -type f | LC_ALL=C sort)
emulator=$(key_of "${files[@]}" "$shipped"/*.cuh)
library=$cache/emulator-$emulator.a
if [ ! -f "$library" ]; then
  exec 9> "$cache/lock"
  flock 9
  if [ ! -f "$library" ]; then
    find "$cache" -mindepth 1 -mtime +2 -delete 2> /dev/null || true
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    include=$(sources "$shipped")
    printf '%s\n' "${files[@]}" | grep '\.cpp$' |
      xargs -P "$(nproc)" -I {} sh -c 'out=$1; file=$2; shift 2; exec g++ "$@" -O2 -c "$file" -o "$out/$(basename "$file" .cpp).o"' _ "$work" {} "${flags[@]}" "-I$include"
    ar rcs "$library.$$" "$work"/*.o
    mv "$library.$$" "$library"
  fi
  exec 9>&-
fi

include=$(sources "$kernels")
binary=$cache/$program-$(echo "$emulator $include $*" | cat - "$here/programs/$program.cpp" | sha256sum | cut -c1-16)
if [ ! -x "$binary" ]; then
  g++ "${flags[@]}" "-I$include" "$@" -O1 "$here/programs/$program.cpp" "$library" -o "$binary.$$"
  mv "$binary.$$" "$binary"
fi
echo "$binary"
