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
flags=(-std=c++17 -ffp-contract=off -g1 -Wall -Werror -Wno-unknown-pragmas -Wno-sign-compare "-I$here/emulator")
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

# The emulator itself, always with the shipped sources, and what all programs include: that is half of their compiling.
mapfile -t files < <(find "$here/emulator" -type f | LC_ALL=C sort)
emulator=$(key_of "${files[@]}" "$shipped"/*.cuh)
built=$cache/emulator-$emulator
if [ ! -d "$built" ]; then
  exec 9> "$cache/lock"
  flock 9
  if [ ! -d "$built" ]; then
    find "$cache" -mindepth 1 -mtime +2 -delete 2> /dev/null || true
    work=$(mktemp -d -p "$cache")
    trap 'rm -rf "$work"' EXIT
    include=$(sources "$shipped")
    { echo "-O1 -x c++-header $here/emulator/precompiled.hpp -o $work/precompiled.hpp.gch"
      printf '%s\n' "${files[@]}" | grep '\.cpp$' | while read -r file; do echo "-O2 -c $file -o $work/$(basename "$file" .cpp).o"; done
    } | xargs -P "$(nproc)" -L 1 g++ "${flags[@]}" "-I$include"
    ar rcs "$work/emulator.a" "$work"/*.o
    rm "$work"/*.o
    mv -T "$work" "$built"
  fi
  exec 9>&-
fi

include=$(sources "$kernels")
binary=$cache/$program-$(echo "$emulator $include $*" | cat - "$here/programs/$program"* | sha256sum | cut -c1-16)
if [ ! -x "$binary" ]; then
  # Macros of the command line would forbid the precompiled header.
  # Its folder comes first: where the header itself lies it would be compiled again.
  { for define; do define=${define#-D}; echo "#define ${define%%=*} ${define#*=}"; done; echo "#include \"$here/programs/$program.cpp\""; } > "$binary.$$.cpp"
  g++ "-I$built" -include precompiled.hpp "${flags[@]}" "-I$include" -O1 "$binary.$$.cpp" "$built/emulator.a" -o "$binary.$$"
  rm "$binary.$$.cpp"
  mv "$binary.$$" "$binary"
fi
echo "$binary"
