"""Writes the files that a page shows: each block after a comment `<!-- file: NAME -->`.

usage: page_files.py PAGE OUT_DIR
"""
import pathlib
import re
import sys

FILE = re.compile(r"<!-- file: (\S+) -->\n```[^\n]*\n(.*?\n)```", re.DOTALL)


def main():
    page, out = map(pathlib.Path, sys.argv[1:])
    files = FILE.findall(page.read_text())
    if not files:
        sys.exit(f"{page} shows no files")
    for name, text in files:
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
