"""Does what a page says, in an empty folder: writes the files that it shows, runs the commands, compares what
they print.

usage: follow.py PAGE EMPTY_FOLDER NORMA COMPILER [PART]

NORMA is where Norma is installed, and $DIR in the commands. Of a page:

    <!-- file: NAME -->         the block behind it is that file
    ```console                  a block of commands, each behind `$ `, and of what they print; a command
                                without any output may print what it likes
    …                           a line of it alone, in an output: any lines
    <!-- varies: REGEX -->      before such a block: what matches in it is other text elsewhere
    <!-- in: PART -->           before such a block: it is run in that folder; with PART, nothing else is

One shell runs a page's commands, in the order of the page: `export` and `cd` last. A command that fails ends
the test, as does a warning of the compiler. `g++` is COMPILER.
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"((?:^<!-- (?:file|varies|in): [^\n]* -->\n)*)^```(\S*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOTE = re.compile(r"^<!-- (\w+): (.*) -->$", re.MULTILINE)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*\n)", re.MULTILINE)
END = "----- the end of a command, status"


def write_files(blocks, out):
    for notes, _, text in blocks:
        if "file" in notes:
            path = out / notes["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def commands_of(blocks, part):
    """(command, what the page says it prints, what of it varies, the folder)"""
    for notes, language, text in blocks:
        if language != "console" or (part and notes.get("in") != part):
            continue
        _, *pairs = COMMAND.split(text)
        for command, said in zip(pairs[::2], pairs[1::2]):
            yield command, said, notes.get("varies"), notes.get("in", ".")


def as_said(said, printed, varies):
    """Whether a command printed what the page says, where `…` stands for any lines."""
    if varies:
        said, printed = (re.sub(varies, "~", text) for text in (said, printed))
    tidy = ["\n".join(line.rstrip() for line in text.strip("\n").split("\n")) for text in (said, printed)]
    pattern = "\n".join(r"(?:.*\n)*?.*" if line == "…" else re.escape(line) for line in tidy[0].split("\n"))
    return re.fullmatch(pattern, tidy[1]) is not None


def shell(commands, out, norma, compiler):
    """(what a command printed, its status), up to the first that fails; None where it ended the shell."""
    tools = out.parent / f"{out.name}-tools"
    tools.mkdir(exist_ok=True)
    (tools / "g++").write_text(f'#!/bin/sh\nexec "{compiler}" {WARNINGS} "$@"\n')
    (tools / "g++").chmod(0o755)
    script = "".join(f'cd "{out / folder}"\n{command}status=$?; echo; echo "{END} $status"; [ $status = 0 ] || exit\n'
                     for command, _, _, folder in commands)
    environment = {**os.environ, "DIR": str(norma), "CXX": compiler, "CXXFLAGS": WARNINGS,
                   "LD_LIBRARY_PATH": str(norma / "lib"), "PATH": f"{tools}:{os.environ['PATH']}"}
    ran = subprocess.run(["bash", "-c", script], env=environment, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    texts = re.split(rf"\n{END} (\d+)\n", ran.stdout)
    return list(zip(texts[::2], [*map(int, texts[1::2]), None]))


WARNINGS = "-Wall -Wextra -Werror"


def main():
    page, out, norma = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
    compiler, part = sys.argv[4], (sys.argv[5:] or [""])[0]
    blocks = [(dict(NOTE.findall(n)), language, text) for n, language, text in BLOCK.findall(page.read_text())]
    commands = list(commands_of(blocks, part))
    if not commands:
        sys.exit(f"{page} shows no commands")
    out.mkdir(parents=True)
    write_files(blocks, out)
    for (command, said, varies, _), (printed, status) in zip(commands, shell(commands, out, norma, compiler)):
        print(f"$ {command}{printed}")
        if status is None:
            sys.exit(f"{page.name}: the shell ended in: {command}")
        if status != 0:
            sys.exit(f"{page.name}: this command ended with {status}: {command}")
        if said and not as_said(said, printed, varies):
            differ = difflib.unified_diff(said.split("\n"), printed.split("\n"), "the page", "the command", lineterm="")
            sys.exit("\n".join([f"{page.name}: another output of: {command}", *differ]))


if __name__ == "__main__":
    main()
