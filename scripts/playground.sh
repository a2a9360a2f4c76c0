#!/usr/bin/env bash
# Builds the playground, build/playground/playground/playground.html, one file to open in any browser, and tests it in one:
#   usage: scripts/playground.sh [options of ctest]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

install_missing library playground
# Where node is not Debian's, it does not look for modules where Debian has Emscripten's.
export NODE_PATH=${NODE_PATH:-/usr/share/nodejs}
build=build/playground
emcmake cmake -S . -B $build -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-msimd128 -fwasm-exceptions" -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" \
  -DNORMA_BLAS=none -DNORMA_THREADS=OFF -DNORMA_IO=OFF -DNORMA_UNITY=ON -DNORMA_BUILD_PLAYGROUND=ON -DNORMA_INSTALL=OFF \
  -DNORMA_BUILD_TESTS=OFF -DNORMA_BUILD_EXAMPLES=OFF -DNORMA_BUILD_EXERCISES=OFF -DNORMA_BUILD_BENCH=OFF
cmake --build $build --parallel "$(nproc)"
cd $build/playground
ctest --output-on-failure --no-tests=error "$@"
