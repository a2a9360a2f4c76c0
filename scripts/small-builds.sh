#!/usr/bin/env bash
# Builds Norma without threads, files and OpenBLAS, as small as it gets, runs a slice of the tests, and sees to it that what
# is installed works without a package of others.
#   usage: scripts/small-builds.sh [--all]        --all: every test that makes sense there
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

install_missing library tests
build=$PWD/build/small
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=MinSizeRel -DCMAKE_CXX_FLAGS="-ffunction-sections -fdata-sections" \
  -DNORMA_THREADS=OFF -DNORMA_IO=OFF -DNORMA_BLAS=none -DNORMA_WIDE_VECTORS=OFF -DNORMA_WERROR=ON -DNORMA_BUILD_TESTS=ON \
  -DNORMA_BUILD_EXAMPLES=OFF -DNORMA_BUILD_EXERCISES=OFF -DNORMA_BUILD_BENCH=OFF
if [ "${1:-}" = --all ]; then
  cmake --build "$build" --parallel "$(nproc)"
  ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)"
else
  cmake --build "$build" --parallel "$(nproc)" --target norma_slice
  ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" -L slice
fi

# The package: no header of files, and pkg-config names no library but Norma.
rm -rf "$build/prefix"
cmake --install "$build" --prefix "$build/prefix" >/dev/null
files=$(cd "$build/prefix/include/norma" && find . -path './testing*' -o -path './io/*' ! -name loader_position.h -o -name 'csv*' -o -name idx.h)
[ -z "$files" ] || { echo "installed without files: $files"; exit 1; }
# shellcheck disable=SC2046  # several options
PKG_CONFIG_PATH=$(dirname "$(find "$build/prefix" -name norma.pc)") &&
  export PKG_CONFIG_PATH && "$CXX" -std=c++20 -Os tests/small/inference.cpp -o "$build/by_pkg_config" $(pkg-config --cflags --libs norma)
"$build/by_pkg_config"
