#!/usr/bin/env bash
# Builds Norma for another processor with Debian's cross compiler, and runs tests of it under qemu.
#   usage: scripts/cross.sh arm64|s390x [--all] [options of ctest]
# arm64: with OpenBLAS, on NEON's vectors. s390x: big-endian, without OpenBLAS. Run is what could differ there, with --all
# every test that needs no second program. build/cross/<processor> is the build folder.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

fail() {
  echo "cross.sh: $*" >&2
  exit 1
}
machine=${1:-}
case $machine in
  arm64) triple=aarch64-linux-gnu blas=openblas packages=(zlib1g zlib1g-dev libopenblas0-pthread libopenblas-pthread-dev libgfortran5) ;;
  s390x) triple=s390x-linux-gnu blas=none packages=(zlib1g zlib1g-dev) ;;
  *) fail "expected arm64 or s390x, got \"$machine\"" ;;
esac
shift
all=
if [ "${1:-}" = --all ]; then
  all=1
  shift
fi

install_missing library tests "$machine"
build=$PWD/build/cross/$machine
export NORMA_CROSS_ROOT=$build/root
libraries=/usr/$triple/lib:$NORMA_CROSS_ROOT/usr/lib/$triple:$NORMA_CROSS_ROOT/usr/lib/$triple/openblas-pthread
export NORMA_TEST_EMULATOR="qemu-${triple%%-*} -L /usr/$triple -E LD_LIBRARY_PATH=$libraries"  # for tests that start themselves

# The libraries are unpacked there, not installed: those that are belong to one version for all processors.
if [ ! -d "$NORMA_CROSS_ROOT" ]; then
  mkdir -p "$build/packages"
  if ! grep -qx "$machine" <(dpkg --print-foreign-architectures); then
    as_root dpkg --add-architecture "$machine"
  fi
  if ! apt-cache show "zlib1g:$machine" >/dev/null 2>&1; then apt update -qq; fi
  (cd "$build/packages" && apt-get download -qq "${packages[@]/%/:$machine}")
  for package in "$build"/packages/*.deb; do dpkg-deb -x "$package" "$build/unpacked"; done
  mv "$build/unpacked" "$NORMA_CROSS_ROOT"
fi

# At -O0 the compiler takes as long, and qemu longer.
cmake -S . -B "$build" --toolchain "cmake/toolchains/$triple.cmake" -DNORMA_BLAS=$blas -DNORMA_UNITY=ON -DNORMA_WERROR=ON \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DNORMA_BUILD_EXAMPLES=OFF -DNORMA_BUILD_BENCH=OFF \
  -DNORMA_BUILD_EXERCISES=OFF

# The formats, the random numbers and what rounds; of arm64 loops on its vectors, too.
tests=(core/byte_order core/extended core/random data/idx io/checkpoint io/history io/save_load io/torch_file)
if [ "$machine" = arm64 ]; then tests=(core/elementary core/extended core/threads layers/packed_weights); fi
targets=()
if [ "$machine" = arm64 ]; then targets+=(determinism_bits); fi
for test in "${tests[@]}"; do targets+=("test_${test/\//_}"); done
choice=(-R "^($(IFS='|' && echo "${tests[*]}"))\$")
if [ -n "$all" ]; then
  targets=(all)
  # Left out: what starts compilers, Python or programs of this build by itself, what is run below, and what takes over ten minutes.
  others='bench|border|consumers|docs|examples|experiments|fuzz|headers|surface|determinism'
  choice=(-E "^(($others)/|parity/(live|falsified)\$|core/plain_kernels_deterministic\$)")
fi
cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]}"

# Deterministic algorithms give the bits of this machine's program, where scripts/test.sh has built it. The slice of s390x does
# without: it takes a minute.
here=build/release/tests/determinism/determinism_bits
bits=
if [ "$machine$all" != s390x ] && [ -x "$here" ]; then
  # shellcheck disable=SC2086  # a command
  NORMA_NUM_THREADS=1 $NORMA_TEST_EMULATOR "$build/tests/determinism/determinism_bits" >"$build/bits.txt" &
  bits=$!
fi
ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" "${choice[@]}" "$@"
if [ -n "$bits" ]; then
  wait "$bits"
  diff <("$here") "$build/bits.txt"
  echo "deterministic algorithms: the same bits as here"
fi
