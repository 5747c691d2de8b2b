#!/usr/bin/env bash
# probe.sh OUT.json [INCLUDE...]: compiles probe.c against the CUDA and NCCL headers of this machine and writes what it prints. Without
# folders: /usr/local/cuda/include and pip's nvidia/nccl/include. Names that these headers lack are left out and told on stderr.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1; shift
if [ $# = 0 ]; then
  set -- /usr/local/cuda/include "$(dirname "$(find / -path '*/nvidia/nccl/include/nccl.h' -print -quit 2>/dev/null || true)")"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/probe.c" "$work/probe.c"
flags=()
for folder; do flags+=("-I$folder"); done
# gcc names every unknown one at once, but an unknown struct may hide what comes with it: hence a few rounds.
for _ in 1 2 3; do
  if gcc -w -o "$work/probe" "${flags[@]}" "$work/probe.c" 2> "$work/errors"; then
    "$work/probe" > "$out"
    exit
  fi
  sed -nE "s/.*error: .(\w+). undeclared.*/\1/p; s/.*has no member named .(\w+).*/\1/p" "$work/errors" | sort -u > "$work/unknown"
  [ -s "$work/unknown" ] || break
  echo "left out, unknown to these headers: $(tr '\n' ' ' < "$work/unknown")" >&2
  while read -r name; do sed -i -e "/STRUCT($name)/,/END/d" -e "/\b$name)/d" "$work/probe.c"; done < "$work/unknown"
done
cat "$work/errors" >&2
exit 1
