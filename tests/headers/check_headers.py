"""Checks the installed headers: each compiles on its own, and includes only the standard library
and Norma. The headers that every program pulls in also stay clear of the slowest of the former.

usage: check_headers.py CMAKE BUILD_DIR SCRATCH_DIR COMPILER
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

STANDARD = re.compile(r"<[a-z0-9_]+>")
NORMA = re.compile(r'"norma/[a-z0-9_/]+\.h"')
SLOW = {"<iostream>", "<sstream>", "<fstream>", "<regex>", "<filesystem>", "<format>"}


def complaints(include_dir, header, compiler):
    found = []
    text = header.read_text()
    name = header.relative_to(include_dir)
    for what in re.findall(r"^\s*#\s*include\s+(\S+)", text, re.MULTILINE):
        if what in SLOW:
            found.append(f"{name}: includes {what}, which is slow to compile")
        elif not STANDARD.fullmatch(what) and not NORMA.fullmatch(what):
            found.append(f"{name}: includes {what}, neither the standard library nor Norma")
    # Included twice, it also shows that its guard works.
    program = f"#include <{name}>\n#include <{name}>\n"
    command = [compiler, "-std=c++20", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
    command += ["-fsyntax-only", "-I", str(include_dir), "-x", "c++", "-"]
    run = subprocess.run(command, input=program, text=True, stderr=subprocess.PIPE)
    if run.returncode != 0:
        found.append(f"{name}: does not compile on its own\n{run.stderr}")
    return found


def main():
    cmake, build, scratch, compiler = sys.argv[1:]
    shutil.rmtree(scratch, ignore_errors=True)
    install = [cmake, "--install", build, "--prefix", scratch]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    include_dir = pathlib.Path(scratch, "include")
    headers = sorted(include_dir.glob("norma/**/*.h"))
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        found = sum(pool.map(lambda h: complaints(include_dir, h, compiler), headers), [])
    print("\n".join(found))
    print(f"{len(headers)} headers checked, {len(found)} complaints")
    # No header at all would be a failed installation, not a success.
    return 1 if found or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
