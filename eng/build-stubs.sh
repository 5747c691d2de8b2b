#!/usr/bin/env bash
# build-stubs.sh DEST: builds tests/Stubs into DEST and prints it: libcuda.so.1, libnccl.so.2 (2.28.9), old/libnccl.so.2 (2.18.5) and
# new/libnccl.so.2 (2.29.7). Needs gcc alone. STUB_CFLAGS adds options, such as -fsanitize=thread.
set -euo pipefail
[ $# = 1 ] || { sed -n 2,3p "$0" >&2; exit 2; }
command -v gcc >/dev/null || { echo "gcc is needed to build the stub libraries (Debian: apt-get install gcc libc6-dev)" >&2; exit 1; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -ra extra <<< "${STUB_CFLAGS:-}"
flags=(-std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -fPIC -fvisibility=hidden -fwrapv -pthread "${extra[@]}")

# The sources of each folder by as many compilers as there are cores.
compile() { # LIBRARY SOURCE...
  local library=$1 source; shift
  mkdir -p "$work/$library"
  for source; do echo "-o $work/$library/$(basename "$source" .c).o $source"; done |
    xargs -P "$(nproc)" -L 1 gcc "${flags[@]}" -Itests/Stubs/"$library" -c
}

# A body for every name that the real library has: weak, so that the stub's own takes its place where there is one.
fallbacks() { # LIBRARY < NAMES
  echo '#include "stub.h"'
  sed "s/.*/API __attribute__((weak)) int &(void); int &(void) { return stub_unsupported(\"&\"); }/"
}

link() { # FILE SONAME NAMES OBJECT...: exports the names and no others
  local file=$1 soname=$2 names=$3; shift 3
  { echo '{ global:'; sed 's/$/;/' "$names"; echo 'local: *; };'; } > "$names.map"
  gcc "${flags[@]}" -shared -Wl,-soname,"$soname" -Wl,--version-script,"$names.map" -Wl,-z,defs -o "$file.$$" "$@" -lrt -ldl -lm
  mv "$file.$$" "$file" # whole, also for a process that has the old one loaded
}

abi=tests/Native/abi
{ cat "$abi/cuda-12.2.symbols.txt"; grep -rhoE 'partial CUresult cu\w+' Interop/CudaDriver | cut -d' ' -f3; echo stub_cuda_quiet; } | sort -u > "$work/cuda.names"
grep '^cu' "$work/cuda.names" | fallbacks > "$work/unsupported.c"
compile cuda tests/Stubs/cuda/*.c tests/Stubs/cuda/*/*.c "$work/unsupported.c"
link "$dest/libcuda.so.1" libcuda.so.1 "$work/cuda.names" "$work"/cuda/*.o

{ cat "$abi"/nccl-*.symbols.txt; grep -rhoE 'partial \w+\*? nccl\w+' Interop/Nccl | sed 's/.* //'; } | sort -u | fallbacks > "$work/unsupported.c"
compile nccl tests/Stubs/nccl/*.c "$work/unsupported.c"
variant() { # FOLDER VERSION NAMES
  mkdir -p "$dest/$1"
  gcc "${flags[@]}" -DSTUB_DEFAULT_VERSION="$2" -c -o "$work/version$2.o" tests/Stubs/nccl/variant/version.c
  cp "$3" "$work/nccl$2.names"
  link "$dest/$1/libnccl.so.2" libnccl.so.2 "$work/nccl$2.names" "$work"/nccl/*.o "$work/version$2.o"
}
variant . 22809 "$abi/nccl-2.28.9.symbols.txt"
variant old 21805 tests/Stubs/nccl/variant/nccl-2.18.5.symbols.txt
variant new 22907 "$abi/nccl-2.29.7.symbols.txt"
echo "$dest"
