"""Runs a program of a page: what it prints must be what the page says.

usage: check_printed.py PAGE PROGRAM      the blocks fenced as ```text, one after the other
"""

import difflib
import pathlib
import re
import subprocess
import sys


def main():
    page = pathlib.Path(sys.argv[1]).read_text()
    said = "".join(re.findall(r"^```text\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    printed = subprocess.run(sys.argv[2], stdout=subprocess.PIPE, check=True, text=True).stdout
    if said == printed and said:
        return 0
    sys.stdout.writelines(difflib.unified_diff(said.splitlines(True), printed.splitlines(True), "the page", "the program"))
    return 1


if __name__ == "__main__":
    sys.exit(main())
