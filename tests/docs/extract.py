"""Turns the C++ snippets of Markdown pages and of headers' comments into sources to compile.

usage: extract.py OUT_DIR PAGE|HEADER...      prints "fragments FILE", "program FILE" and "build FILE" lines

A block fenced as ```cpp is a snippet. One that has an `int main` is a program of its own, to be
built and run. Any other is compiled as the body of a function. Words after `cpp` change that:

    cpp declarations   belongs outside of functions
    cpp continues      goes on where the block before ended: its names are known
    cpp no-run         a program that is built and not run: it needs files
    cpp no-test        left out

A file of a guide, behind `<!-- file: NAME -->`, is left to follow.py.

What a reader need not see, a variable the snippet works on, stands in a comment before the block:

    <!-- given: Tensor x = norma::randn({8, 3}); -->

Those in the `///` comments of headers are fragments, of which one source is made for the library and
one for each component. What they work on is in example_names.h.
"""

import pathlib
import re
import sys

FENCE = re.compile(r"^(\s*)```(\S*)\s*(.*?)\s*$")
GIVEN = re.compile(r"<!-- given: ((?:(?!-->).)*) -->\s*\Z", re.DOTALL)
FILE = re.compile(r"^<!-- file: ")
WORDS = {"declarations", "continues", "no-run", "no-test"}
PREAMBLE = """\
#include <norma/norma.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>
"""
NAMES = """\
namespace nn = norma::nn;
namespace F = norma::functional;
namespace init = norma::nn::init;
namespace optim = norma::optim;
namespace data = norma::data;
using norma::Shape;
using norma::Tensor;
"""


class Snippet:
    def __init__(self, page, line, words, code, given):
        self.words, self.given, self.line = words, given, line
        lines = code.splitlines()
        self.includes = [text for text in lines if text.startswith("#include")]
        self.is_program = re.search(r"^int main\b", code, re.MULTILINE) is not None
        # Compilers then name the line of the page.
        kept = lines if self.is_program else ["" if t in self.includes else t for t in lines]
        self.code = f'#line {line} "{page}"\n' + "\n".join(kept) + "\n"


def snippets_of(page):
    text = page.read_text()
    if page.suffix == ".h":
        text = re.sub(r"^ *(/// ?)?(?(1)(.*)|.*)$", r"\2", text, flags=re.MULTILINE)
    lines = text.splitlines()
    found, i = [], 0
    while i < len(lines):
        fence = FENCE.match(lines[i])
        i += 1
        if not fence:
            continue
        indent, language, info = fence.groups()
        start = i
        while i < len(lines) and lines[i].strip() != "```":
            i += 1
        if i == len(lines):
            sys.exit(f"{page}:{start}: this block is never closed")
        body = [text[len(indent):] if text.startswith(indent) else text for text in lines[start:i]]
        i += 1
        words = set(info.split())
        is_file = start > 1 and FILE.match(lines[start - 2])
        if language != "cpp" or "no-test" in words or is_file:
            continue
        if words - WORDS:
            sys.exit(f"{page}:{start}: cpp blocks know {sorted(WORDS)}, got {sorted(words)}")
        given = GIVEN.search("\n".join(lines[: start - 1]))
        given = given.group(1) if given else ""
        found.append(Snippet(page.name, start + 1, words, "\n".join(body), given))
    return found


def fragments_source(snippets, preamble=PREAMBLE, names=NAMES):
    """One source for a page: a namespace for each chain of blocks, holding one function."""
    chains = []
    for snippet in snippets:
        if "continues" not in snippet.words or not chains:
            chains.append([])
        chains[-1].append(snippet)
    includes = sorted({line for snippet in snippets for line in snippet.includes})
    source = preamble + "\n".join(includes) + "\n"
    for number, chain in enumerate(chains):
        outside = [s for s in chain if "declarations" in s.words]
        inside = [s for s in chain if "declarations" not in s.words]
        source += f"\nnamespace snippet_{number} {{\n{names}"
        source += "".join(f"{s.given}\n{s.code}" for s in outside)
        source += "void snippet() {\n"
        source += "".join(f"{s.given}\n{s.code}" for s in inside)
        source += "}\n}\n"
    return source


def write(path, text):
    # An untouched file is not compiled again.
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    paths = [pathlib.Path(path) for path in sys.argv[2:]]
    examples = {}
    for header in (path for path in paths if path.suffix == ".h"):
        snippets = snippets_of(header)
        component = re.search(r"/components/(\w+)/include/(?!.*/include/)(.*)", header.as_posix())
        part, included = component.groups() if component else ("library", "norma/norma.h")
        for snippet in snippets:
            snippet.includes.append(f"#include <{included}>")
        examples.setdefault(part, []).extend(snippets)
    for part, snippets in examples.items():
        if snippets:
            names = NAMES + "using namespace norma;\nusing namespace norma::example_names;\n"
            write(out / f"examples_{part}.cpp", fragments_source(snippets, '#include "example_names.h"\n', names))
            print(f"fragments examples_{part}.cpp")
    for page in (path for path in paths if path.suffix != ".h"):
        stem = page.stem.lower().replace("-", "_")
        snippets = snippets_of(page)
        fragments = [s for s in snippets if not s.is_program]
        if fragments:
            write(out / f"{stem}.cpp", fragments_source(fragments))
            print(f"fragments {stem}.cpp")
        for program in (s for s in snippets if s.is_program):
            name = f"{stem}_line_{program.line}.cpp"
            write(out / name, program.code)
            print(f"{'build' if 'no-run' in program.words else 'program'} {name}")


if __name__ == "__main__":
    main()
