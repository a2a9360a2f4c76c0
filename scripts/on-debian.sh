#!/usr/bin/env bash
# Runs both commands of the README, or another one, on a fresh Debian in a folder of its own.
#   usage: scripts/on-debian.sh 12|13|testing|ubuntu-22.04|ubuntu-24.04 [command in the checkout]
#   for example: scripts/on-debian.sh 13 scripts/test.sh -R layers/
# Needs root and debootstrap; nothing is left on this machine but build/on-RELEASE, made anew each time.
# `ubuntu-22.04` is Debian 12, `ubuntu-24.04` Debian 13, with the compiler and the CMake of that Ubuntu, as far as Debian and PyPI
# have them.
# NORMA_DEBIAN_MIRROR is the address of a mirror; otherwise it is the one of this machine's own apt.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -eq 0 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' scripts/on-debian.sh
  exit 2
fi
release=$1
shift
case $release in
  12 | ubuntu-22.04) suite=bookworm ;;
  13 | ubuntu-24.04) suite=trixie ;;
  testing) suite=testing ;;
  *)
    echo "expected 12, 13, testing, ubuntu-22.04 or ubuntu-24.04, got $release" >&2
    exit 2
    ;;
esac
if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
  echo "needs root and debootstrap: apt-get install debootstrap" >&2
  exit 1
fi

# Its mounts live in a namespace of their own and end with it.
if [ "${NORMA_OWN_MOUNTS:-}" != 1 ]; then
  NORMA_OWN_MOUNTS=1 exec unshare --mount --pid --fork --kill-child scripts/on-debian.sh "$release" "$@"
fi

mirror() {
  if [ -n "${NORMA_DEBIAN_MIRROR:-}" ]; then
    echo "$NORMA_DEBIAN_MIRROR"
    return
  fi
  apt-get indextargets --format '$(SITE) $(RELEASE) $(ORIGIN)' 2>/dev/null |
    awk '$3 == "Debian" && $2 !~ /security/ { print $1; exit }'
}

folder=$PWD/build/on-$release
mkdir -p build
rm -rf --one-file-system "$folder"
packages=ca-certificates
case $release in
  ubuntu-22.04) gcc=g++-12 cmake=3.22 ;;  # the newer of its two compilers
  ubuntu-24.04) gcc=g++-13 cmake=3.28 ;;
  *) gcc='' cmake='' ;;
esac
[ -z "$gcc" ] || packages+=,$gcc,python3-pip,python3-venv
debootstrap --variant=minbase --include="$packages" "$suite" "$folder" "$(mirror)" >"$folder.log" 2>&1 ||
  { tail -5 "$folder.log"; exit 1; }

mount -t proc proc "$folder/proc"
mount --rbind /dev "$folder/dev"
cp /etc/resolv.conf "$folder/etc/resolv.conf"
# How this machine's package clients reach their registries.
cp -n /etc/apt/apt.conf.d/*proxy* "$folder/etc/apt/apt.conf.d/" 2>/dev/null || true
# A mirror may lag behind; nothing here outlives the test.
echo 'Acquire::Check-Valid-Until "false";' >"$folder/etc/apt/apt.conf.d/90mirror"
[ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$folder/etc/pip.conf"

# The files that git knows, as they are now.
mkdir "$folder/norma"
git ls-files -z | tar -c --null --files-from=- --ignore-failed-read 2>/dev/null | tar -x -C "$folder/norma"
command=("$@")
[ ${#command[@]} -gt 0 ] || command=(bash -c 'scripts/demo.sh --epochs 1 && scripts/test.sh')
prepare=:
if [ -n "$gcc" ]; then
  prepare="python3 -m venv /opt/cmake && /opt/cmake/bin/pip install -q 'cmake==$cmake.*' && export PATH=\$PATH:/opt/cmake/bin CXX=$gcc"'
    ln -s /opt/cmake/bin/cmake /opt/cmake/bin/ctest /usr/local/bin/'
fi
# shellcheck disable=SC2016  # expanded inside
env -i HOME=/root TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  LC_ALL=C.UTF-8 NORMA_CMAKE_OPTIONS="${NORMA_CMAKE_OPTIONS:-}" \
  chroot "$folder" bash -c "set -euo pipefail; $prepare
    cd /norma; \"\$@\"; echo; echo \"passed on \$(. /etc/os-release; echo \"\$PRETTY_NAME\"): \$(\${CXX:-g++} --version | head -1), \$(cmake --version | head -1)\"" \
  _ "${command[@]}"
