#!/usr/bin/env bash
# Makes a folder with a Python that runs ONNX files, from PyPI, for tests/onnx.
#   usage: tests/onnx/setup.sh FOLDER
set -euo pipefail
python=$1/bin/python3
if [ -x "$python" ] && "$python" -c 'import netron, numpy, onnx, onnxruntime, safetensors' 2>/dev/null; then exit 0; fi
python3 -m venv "$1"
"$python" -m pip install -q --disable-pip-version-check netron numpy onnx 'onnxruntime>=1.31' safetensors
