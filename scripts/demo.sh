#!/usr/bin/env bash
# Installs what is missing, builds the library and one example, and trains a small CNN to read digits.
#   usage: scripts/demo.sh [options of digits_cnn]
# With NORMA_DATA_DIR set, the digits are MNIST's, from its folder mnist/; otherwise synthetic ones.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

install_missing library examples
cmake --preset release -DNORMA_BUILD_TESTS=OFF -DNORMA_BUILD_EXAMPLES=ON -DNORMA_BUILD_BENCH=OFF -DNORMA_UNITY=ON
cmake --build --preset release --parallel "$(nproc)" --target digits_cnn

if [ -n "${NORMA_DATA_DIR:-}" ]; then set -- --data "$NORMA_DATA_DIR" "$@"; fi
exec build/release/examples/digits_cnn --save build/release/digits_cnn.safetensors "$@"
