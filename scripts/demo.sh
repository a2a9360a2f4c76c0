#!/usr/bin/env bash
# Installs what is missing, builds the library and one example, and trains a small CNN to read digits.
#   usage: scripts/demo.sh [options of digits_cnn]
# With NORMA_DATA_DIR set, the digits are MNIST's, from its folder mnist/; otherwise synthetic ones.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

install_missing library examples
cmake --preset quick
cmake --build --preset quick --parallel "$(nproc)" --target digits_cnn

if [ -n "${NORMA_DATA_DIR:-}" ]; then set -- --data "$NORMA_DATA_DIR" "$@"; fi
exec build/quick/examples/digits_cnn --save build/quick/digits_cnn.safetensors "$@"
