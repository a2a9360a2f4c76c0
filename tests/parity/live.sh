#!/usr/bin/env bash
# Draws fresh cases with the PyTorch that is installed and replays them.
#   usage: tests/parity/live.sh [--seed N] [--cases M] [--family NAME ...] [--full]
# NORMA_BUILD_DIR is the build to use (default build/release); PYTHON a python3 that has PyTorch.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${NORMA_BUILD_DIR:-build/release}

python=
for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
  if "$candidate" -c 'import torch, numpy' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "skipped: no python3 with PyTorch and NumPy (Debian: python3-torch, python3-numpy)"
  exit 77
fi
if [ ! -x "$build/tests/parity/parity" ]; then
  echo "$build/tests/parity/parity is missing: build it with scripts/test.sh, or set NORMA_BUILD_DIR" >&2
  exit 1
fi

out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
"$python" tests/parity/generate.py --out "$out" "$@"
"$build/tests/parity/parity" "$out"/*.json
