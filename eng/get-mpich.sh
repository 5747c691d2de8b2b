#!/usr/bin/env bash
# Brings MPICH without root: downloads the distribution's packages (Debian, Ubuntu), unpacks them into the user's cache
# and prints the path of an mpiexec.hydra that works from there. Does nothing but print when it is there already.
set -euo pipefail
dest=${XDG_CACHE_HOME:-$HOME/.cache}/collectives-sharp/mpich
if [ ! -x "$dest/mpiexec.hydra" ]; then
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || { echo "no apt-get or dpkg here; install MPICH's mpiexec.hydra yourself" >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"/{lists/partial,cache/archives/partial,deb,root}
  # Own lists and cache: an unprivileged user can't write the system's, and a fresh machine's are empty.
  options=(-qq -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Debug::NoLocking=1)
  [ "$(id -u)" != 0 ] || options+=(-o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >&2
  packages=$(apt-get "${options[@]}" --simulate --no-install-recommends install mpich | awk '$1 == "Inst" { print $2 }')
  # shellcheck disable=SC2086
  (cd "$work/deb" && apt-get "${options[@]}" download $packages >&2)
  for package in "$work"/deb/*.deb; do dpkg -x "$package" "$work/root"; done
  cat > "$work/root/mpiexec.hydra" <<'SCRIPT'
#!/usr/bin/env bash
here=$(cd "$(dirname "$0")" && pwd)
libraries=$(printf '%s:' "$here"/usr/lib/*-linux-gnu "$here"/lib/*-linux-gnu)
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:-} PATH=$here/usr/bin:$PATH
exec "$here/usr/bin/mpiexec.hydra" "$@"
SCRIPT
  chmod +x "$work/root/mpiexec.hydra"
  mkdir -p "$(dirname "$dest")"
  rm -rf "$dest"
  mv "$work/root" "$dest"
fi
echo "$dest/mpiexec.hydra"
