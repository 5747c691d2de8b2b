#!/usr/bin/env bash
# build-stubs.sh DEST: builds tests/Stubs into DEST and prints it: libcuda.so.1, libnvrtc.so.12, libnccl.so.2 (2.28.9), old/libnccl.so.2 (2.18.5) and
# new/libnccl.so.2 (2.29.7). Needs gcc and g++ alone. STUB_CFLAGS adds options, such as -fsanitize=thread.
set -euo pipefail
[ $# = 1 ] || { sed -n 2,3p "$0" >&2; exit 2; }
command -v gcc >/dev/null && command -v g++ >/dev/null || { echo "gcc and g++ are needed to build the stub libraries (Debian: apt-get install g++)" >&2; exit 1; }
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

# Our kernels, from their own sources: beside another device.cuh, which makes a CUDA thread a fiber. For 2, 3 and 4 ranks.
kernels() {
  local folder=$work/kernels source name ranks
  mkdir -p "$folder" "$work/cuda"
  cp Cuda/Kernels/Source/* "$folder"
  cp tests/Stubs/cuda/kernels/* "$folder"
  for source in Cuda/Kernels/Source/*.cu; do
    name=$(basename "$source" .cu)
    for ranks in 2 3 4; do
      case $name in
        exchange | barrier) plain "$name" "$ranks" ;;
        rms_norm) [ "$ranks" != 2 ] || fused "$name" ;;
        all_reduce_rms_norm_*) fused "$name" "$ranks" ;;
        *) reducing "$name" "$ranks" ;;
      esac > "$folder/${name}_$ranks.cpp"
    done
  done
  # That of the tests for devices (tests/Conformance/Device/Litmus).
  cp tests/Conformance/Device/Litmus/litmus.cu tests/KernelEmulator/programs/litmus_shared.cuh "$folder"
  printf '#include "variants.h"\n#include "litmus.cu"\nstatic const stub_kernel s_kernels[] = { Entry<&litmus, 0>::named("litmus"), Entry<&litmus_count, 0>::named("litmus_count"), {} };\nstatic const Registered s_registered(s_kernels);\n' > "$folder/of_litmus.cpp"
  # -O1: the loops are unrolled by the source already, and it takes half the time.
  for source in "$folder"/*.cpp; do echo "-o $work/cuda/$(basename "$source" .cpp).o $source"; done |
    xargs -P "$(nproc)" -L 1 g++ -std=c++17 -D_GNU_SOURCE -O1 -ffp-contract=off -fno-exceptions -Wall -Werror -Wno-unknown-pragmas -Wno-unused-function -Wno-sign-compare -fPIC -fvisibility=hidden -pthread "${extra[@]}" -I"$folder" -Itests/Stubs/cuda -c
}

variant() { # SOURCE NAME WORLD_SIZE [ELEMENT]
  printf '#undef KERNEL\n#undef WORLD_SIZE\n#undef ELEMENT\n#undef OP\n#define KERNEL %s\n#define WORLD_SIZE %s\n#define ELEMENT ::%s\n#define OP ::AnyOperation\n' "$2" "$3" "${4:-}"
  printf 'namespace of_%s {\n#include "%s.cu"\n}\n' "$2" "$1"
}

reducing() { # SOURCE WORLD_SIZE
  local types=(Int8 UInt8 Int32 UInt32 Int64 UInt64 Float16 Float32 Float64 BFloat16 Float8E4M3 Float8E5M2) operations=(sum product max min average) element i kernel
  echo '#include "variants.h"'
  for element in "${types[@]}"; do
    variant "$1" "${1}_${element,,}_$2" "$2" "$element"
  done
  echo 'static const stub_kernel s_kernels[] = {'
  for element in "${types[@]}"; do
    kernel=${1}_${element,,}
    for i in "${!operations[@]}"; do
      printf '    Entry<&of_%s_%s::%s_%s, %s>::named("%s_%s_%s"),\n' "$kernel" "$2" "$kernel" "$2" "$i" "$kernel" "${operations[$i]}" "$2"
    done
  done
  printf '    {},\n};\nstatic const Registered s_registered(s_kernels);\n'
}

plain() { # SOURCE WORLD_SIZE
  echo '#include "variants.h"'
  variant "$1" "${1}_$2" "$2"
  printf 'static const stub_kernel s_kernels[] = { Entry<&of_%s_%s::%s_%s, 0>::named("%s_%s"), {} };\nstatic const Registered s_registered(s_kernels);\n' "$1" "$2" "$1" "$2" "$1" "$2"
}

fused() { # SOURCE [WORLD_SIZE]
  local element kernels=()
  echo '#include "variants.h"'
  for element in Float32 Float16 BFloat16; do
    kernels+=("${1}_${element,,}${2:+_$2}")
    variant "$1" "${kernels[-1]}" "${2:-1}" "$element"
  done
  echo 'static const stub_kernel s_kernels[] = {'
  printf '    Entry<&of_%s::%s, 0>::named("%s"),\n' $(printf '%s\n' "${kernels[@]}" | sed 's/.*/& & &/')
  printf '    {},\n};\nstatic const Registered s_registered(s_kernels);\n'
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
kernels
compile cuda tests/Stubs/cuda/*.c tests/Stubs/cuda/*/*.c "$work/unsupported.c"
link "$dest/libcuda.so.1" libcuda.so.1 "$work/cuda.names" "$work"/cuda/*.o -lstdc++

{ cat "$abi"/nccl-*.symbols.txt; grep -rhoE 'partial \w+\*? nccl\w+' Interop/Nccl | sed 's/.* //'; } | sort -u | fallbacks > "$work/unsupported.c"
compile nccl tests/Stubs/nccl/*.c "$work/unsupported.c"
release() { # FOLDER VERSION NAMES
  mkdir -p "$dest/$1"
  gcc "${flags[@]}" -DSTUB_DEFAULT_VERSION="$2" -c -o "$work/version$2.o" tests/Stubs/nccl/variant/version.c
  cp "$3" "$work/nccl$2.names"
  link "$dest/$1/libnccl.so.2" libnccl.so.2 "$work/nccl$2.names" "$work"/nccl/*.o "$work/version$2.o"
}
release . 22809 "$abi/nccl-2.28.9.symbols.txt"
release old 21805 tests/Stubs/nccl/variant/nccl-2.18.5.symbols.txt
release new 22907 "$abi/nccl-2.29.7.symbols.txt"
gcc "${flags[@]}" -shared -Wl,-soname,libnvrtc.so.12 -o "$dest/libnvrtc.so.12.$$" tests/Stubs/nvrtc/nvrtc.c && mv "$dest/libnvrtc.so.12.$$" "$dest/libnvrtc.so.12"
echo "$dest"
