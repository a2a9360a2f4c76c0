#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test.
#   usage: scripts/test.sh [options of ctest]        for example: scripts/test.sh -R layers/
# NORMA_PRESET is the preset to build (release, debug, asan, tsan; default release),
# NORMA_CMAKE_OPTIONS are further options for the configuration, NORMA_DATA_DIR a folder of real data.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

install_missing library tests examples experiments components
preset=${NORMA_PRESET:-release}
programs=ON
if [ "$preset" = tsan ]; then programs=OFF; fi  # no threads of their own
components=OFF
if [ "$preset" = release ]; then components=ON; fi  # the sanitizers look after what they call
# shellcheck disable=SC2086  # several options
cmake --preset "$preset" -DNORMA_BUILD_TESTS=ON -DNORMA_BUILD_EXAMPLES=$programs -DNORMA_BUILD_BENCH=$programs \
  -DNORMA_BUILD_TORCH=$components -DNORMA_BUILD_ONNX=$components -DNORMA_BUILD_PLOT=$components -DNORMA_BUILD_EXPERIMENTS=$components \
  -DNORMA_BUILD_DISTRIBUTED=$components -DNORMA_BUILD_PLAYGROUND=$components \
  -DNORMA_BUILD_TENSORBOARD=$programs ${NORMA_CMAKE_OPTIONS:-}
cmake --build --preset "$preset" --parallel "$(nproc)"
ctest --preset "$preset" --parallel "$(nproc)" "$@"
