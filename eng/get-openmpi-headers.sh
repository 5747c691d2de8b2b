#!/usr/bin/env bash
# Brings Open MPI's headers beside the Open MPI of get-openmpi.sh, without root, and prints the folder: what bench/peers is compiled against.
# DIR/include holds mpi.h, DIR/libmpi.so is what to link; the program runs under DIR's mpirun.
set -euo pipefail
mpirun=$("$(dirname "$0")/get-openmpi.sh")
root=$(dirname "$mpirun")
dest=$root/devel
if [ ! -e "$dest/include/mpi.h" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"/{lists/partial,cache/archives/partial,deb,root}
  options=(-qq -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Debug::NoLocking=1)
  [ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >&2
  # The package alone: what it depends on is for C++ and for other networks' headers.
  (cd "$work/deb" && apt-get "${options[@]}" download libopenmpi-dev >&2)
  dpkg -x "$work"/deb/libopenmpi-dev*.deb "$work/root"
  header=$(find "$work/root" -name mpi.h | head -n 1)
  [ -n "$header" ] || { echo "libopenmpi-dev has no mpi.h" >&2; exit 1; }
  library=$(find "$root/usr/lib" -name 'libmpi.so.*' | sort | head -n 1)
  [ -n "$library" ] || { echo "no libmpi.so.* below $root/usr/lib" >&2; exit 1; }
  mkdir -p "$work/devel"
  cp -r "$(dirname "$header")" "$work/devel/include"
  ln -s "$library" "$work/devel/libmpi.so"
  mv "$work/devel" "$dest"
fi
echo "$dest"
