"""A rank that ends ends all of them within seconds, with its reason, and what was saved is whole.

usage: check_failing.py PROGRAM MPIRUN RANKS
"""

import pathlib
import subprocess
import sys
import tempfile
import time

PROGRAM, MPIRUN, RANKS = sys.argv[1:]
MISSING = "expected all ranks to take part, got rank 1 that has left the group or ended"
# How rank 1 ends, and the words that must be printed.
CASES = {
    "throws": f"[rank 1 of {RANKS}] [add] expected shapes that broadcast",
    "throws in backward": f"[rank 1 of {RANKS}] [hook] expected no fifth step",
    "throws something else": f"[rank 1 of {RANKS}] an exception of another type than std::exception",
    "is caught": "caught: [add] expected shapes that broadcast",
    "has fewer batches": MISSING,
    "has fewer batches, and fails": ["caught: [", MISSING],
    "sleeps": "expected all ranks to take part within 1.0 s, got no result (rank",
    "is killed": "signal 9",
    "crashes": "signal 11",
    "kills the writer": "signal 9",
}
MOST_SECONDS = 10

failures = 0
for how, words in CASES.items():
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        try:
            run = subprocess.run([MPIRUN, "-n", RANKS, PROGRAM, how, folder], capture_output=True, text=True,
                                 timeout=60, check=False)
        except subprocess.TimeoutExpired:
            print(f"{how}: not ended after 60 s")
            failures += 1
            continue
        seconds = time.monotonic() - begin
        printed = run.stdout + run.stderr
        complaints = []
        if run.returncode == 0:
            complaints.append("mpirun reports success")
        if seconds > MOST_SECONDS:
            complaints.append(f"it took {seconds:.1f} s")
        for part in [words] if isinstance(words, str) else words:
            if part not in printed:
                complaints.append(f"expected [{part}], got [{printed}]")
        files = sorted(path.name for path in pathlib.Path(folder).iterdir())
        if "checkpoint.safetensors" not in files:
            complaints.append(f"no checkpoint is there, but {files}")
        elif subprocess.run([PROGRAM, "loads", folder], check=False).returncode != 0:
            complaints.append("the checkpoint is damaged")
        for complaint in complaints:
            print(f"{how}: {complaint}")
        failures += len(complaints)
        print(f"{how}: {seconds:.1f} s")
sys.exit(failures > 0)
