"""The example on two ranks, each with shuffles of its own: both have the same model at the end.

usage: check_example.py PROGRAM MPIRUN
"""

import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM, MPIRUN = sys.argv[1:]
ARGUMENTS = "--epochs 1 --batch-size 16 --train-size 64 --test-size 50"

with tempfile.TemporaryDirectory() as folder:
    ranks = []
    for rank in "01":
        ranks += [":"] * bool(ranks) + ["-n", "1", PROGRAM, "--seed", rank, *ARGUMENTS.split(), "--save", f"{rank}.safetensors"]
    printed = subprocess.run([MPIRUN, *ranks], cwd=folder, check=True, capture_output=True, text=True).stdout
    accuracies = re.findall("test accuracy [0-9.]+", printed)
    models = [(pathlib.Path(folder) / f"{rank}.safetensors").read_bytes() for rank in "01"]
if len(accuracies) != 2 or accuracies[0] != accuracies[1]:
    sys.exit(f"expected one accuracy, twice, got {accuracies} in\n{printed}")
if models[0] != models[1] or b'"module.stem.0.weight"' not in models[0]:
    sys.exit("expected the same file of module.stem.0.weight, …, got others")
