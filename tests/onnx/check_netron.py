"""check_netron.py FOLDER: netron's reader, which check_netron.mjs calls, opens every NAME.17.onnx there; those of the examples are
listed."""
import importlib.util
import pathlib
import shutil
import subprocess
import sys

netron, node = importlib.util.find_spec("netron"), shutil.which("node") or shutil.which("nodejs")
if netron is None or node is None:
    missing = "netron; tests/onnx/setup.sh build/onnx-python installs it" if netron is None else "Node.js, Debian's nodejs"
    print(f"skipped: no {missing}")
    sys.exit(77)
files = sorted(pathlib.Path(sys.argv[1]).glob("*.17.onnx"))
script = pathlib.Path(__file__).with_suffix(".mjs")
ran = subprocess.run([node, script, *netron.submodule_search_locations, *files], capture_output=True, text=True)
lines = ran.stdout.splitlines()
print("\n".join(line for line in lines if line.startswith("example_") or "ONNX v" not in line))
print(f"{len(lines)} of {len(files)} files looked at")
if ran.returncode != 0:
    print(ran.stderr[-2000:])
examples = sum(line.startswith("example_") for line in lines)
sys.exit(0 if ran.returncode == 0 and len(lines) == len(files) and examples >= 6 else 1)
