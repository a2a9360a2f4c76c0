"""Holds the pages to the sources they speak of.

usage: check_pages.py ROOT      exits 1 and prints every complaint

- A relative link leads to a file that exists.
- A block after `<!-- excerpt: FILE -->` stands in FILE as it is, apart from its indentation. A line that
  holds only `…` stands for lines left out.
- In a table with the columns `file | read | lines`, each count is that of the file, or of the definition
  that begins with the text in the second column, its comment included; the sum is right, and at most
  what `<!-- at most: N lines -->` above the table says.
"""

import pathlib
import re
import sys

LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
CODE = re.compile(r"^```.*?^```$|^ {4}.*?$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
EXCERPT = re.compile(r"<!-- excerpt: (\S+) -->\n```\S*[^\n]*\n(.*?)\n```", re.DOTALL)
LIMIT = re.compile(r"<!-- at most: (\d+) lines -->")
ROW = re.compile(r"^\| \[`[^`]+`\]\(([^)]+)\) \| (whole|`[^|]+`) \| (\d+) \|$", re.MULTILINE)
SUM = re.compile(r"^\| \*\*all\*\* \| *\| \*\*([\d,]+)\*\* \|$", re.MULTILINE)


def dedent(lines):
    margin = min((len(l) - len(l.lstrip()) for l in lines if l.strip()), default=0)
    return [l[margin:].rstrip() for l in lines]


def pieces_of(block):
    """The runs of lines between the lines that hold only `…`."""
    pieces = [[]]
    for line in block.split("\n"):
        if line.strip() in ("…", "// …"):
            pieces.append([])
        else:
            pieces[-1].append(line)
    return [piece for piece in pieces if any(line.strip() for line in piece)]


def find(piece, source, start):
    """The line behind `piece` in `source`, at or after `start`, whatever its indentation; None without."""
    for at in range(start, len(source) - len(piece) + 1):
        if dedent(source[at : at + len(piece)]) == dedent(piece):
            return at + len(piece)
    return None


def definition_lines(source, text):
    """Lines of the definition whose first line holds `text`, with the comment above it; None without."""
    for first, line in enumerate(source):
        if text not in line:
            continue
        depth, opened = 0, False
        for last in range(first, len(source)):
            depth += source[last].count("{") - source[last].count("}")
            opened = opened or "{" in source[last]
            if opened and depth == 0:
                break
        while first > 0 and re.match(r"\s*(//|template)", source[first - 1]):
            first -= 1
        return last - first + 1
    return None


def complaints_of(root, page):
    text = page.read_text()
    name = page.relative_to(root)
    for target in LINK.findall(CODE.sub("", text)):
        if not (page.parent / target).exists():
            yield f"{name}: leads to {target}, which does not exist"
    for file, block in EXCERPT.findall(text):
        path = root / file
        if not path.is_file():
            yield f"{name}: quotes {file}, which does not exist"
            continue
        source, at = path.read_text().split("\n"), 0
        for piece in pieces_of(block):
            at = find(piece, source, at)
            if at is None:
                quoted = "\n    ".join(piece)
                yield f"{name}: quotes {file}, where this does not stand:\n    {quoted}"
                break
    rows = ROW.findall(text)
    total = 0
    for target, what, count in rows:
        path = page.parent / target
        if not path.is_file():
            continue  # already said
        source = path.read_text().split("\n")
        if what == "whole":
            lines = len(source) - 1
        else:
            lines = definition_lines(source, what.strip("`"))
        total += lines or 0
        if lines != int(count):
            yield f"{name}: {target}, {what}: says {count} lines, has {lines}"
    if rows:
        limit, said = LIMIT.search(text), SUM.search(text)
        if not said or int(said.group(1).replace(",", "")) != total:
            yield f"{name}: the counts add up to {total}, the page says {said and said.group(1)}"
        if limit and total > int(limit.group(1)):
            yield f"{name}: {total} lines to read, at most {limit.group(1)}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = [*sorted(root.glob("*.md")), *sorted(root.glob("docs/**/*.md"))]
    complaints = [c for page in pages for c in complaints_of(root, page)]
    print("\n".join(complaints) or f"{len(pages)} pages, nothing to complain about")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
