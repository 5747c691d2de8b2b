#!/usr/bin/env bash
# Brings what the native tests link against on a machine without a GPU, without root: Debian's NVRTC 12.4 and the user half of its driver
# 550 (libcuda, libnvidia-ml). Unpacks them into the user's cache and prints the folder. Does nothing but print when they are there already.
set -euo pipefail
dest=${XDG_CACHE_HOME:-$HOME/.cache}/collectives-sharp/nvidia-550-12.4
if [ ! -d "$dest" ]; then
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || { echo "no apt-get or dpkg here" >&2; exit 1; }
  grep -qx 'ID=debian' /etc/os-release 2>/dev/null || { echo "Debian's packages are meant; this is no Debian" >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"/{parts,lists/partial,cache/archives/partial,deb,root,lib}
  # The address and key are the machine's own, of its first source; only the suite and the section differ. Nothing of the system's is changed.
  if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    awk -v RS= 'NR == 1' /etc/apt/sources.list.d/debian.sources | sed 's/^Suites:.*/Suites: trixie/; s/^Components:.*/Components: non-free/' > "$work/parts/own.sources"
  else
    sed -nE '0,/^deb /s/^(deb (\[[^]]*\] )?[^ ]+) .*/\1 trixie non-free/p' /etc/apt/sources.list > "$work/parts/own.list"
  fi
  options=(-qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Debug::NoLocking=1)
  [ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >&2
  (cd "$work/deb" && apt-get "${options[@]}" download libcuda1 libnvidia-ml1 libnvrtc12 libnvrtc-builtins12.4 >&2)
  for package in "$work"/deb/*.deb; do dpkg -x "$package" "$work/root"; done
  # One folder, so that the builtins lie beside NVRTC.
  find "$work/root" \( -name 'libcuda.so*' -o -name 'libnvidia-ml.so*' -o -name 'libnvrtc*.so*' \) -exec mv -t "$work/lib" {} +
  [ -e "$work/lib/libcuda.so.1" ] && [ -e "$work/lib/libnvidia-ml.so.1" ] && [ -e "$work/lib/libnvrtc.so.12" ]
  mkdir -p "$(dirname "$dest")"
  mv "$work/lib" "$dest"
fi
echo "$dest"
