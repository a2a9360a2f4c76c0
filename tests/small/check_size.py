"""Fails where a file has more bytes than it may: check_size.py FILE BYTES."""
import pathlib
import sys

path, most = pathlib.Path(sys.argv[1]), int(sys.argv[2])
size = path.stat().st_size
print(f"{path.name}: {size} bytes, at most {most}")
sys.exit(size > most)
