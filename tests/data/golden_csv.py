"""Writes golden_csv.h: random tables in random forms, and what Python's csv module and float() make of them.

    python3 tests/data/golden_csv.py > tests/data/golden_csv.h
"""
import csv
import io
import json
import random
import struct

MARKS = ["", "NA", "N/A", "nan", "NaN", "?", "-", "null", "NULL", "None", "#N/A", "<NA>", ".", "n.a."]
WORDS = ["setosa", "virginica", "a b", "x;y", "p,q", 'say "no"', "two\nlines", "Zürich", "5th Ave", "no. 3", "10-19"]


def number(rng, decimal, thousands):
    kind = rng.randrange(5)
    if kind == 0:
        value = str(rng.randrange(-1000, 1000))
    elif kind == 1:
        value = f"{rng.uniform(-100, 100):.3f}"
    elif kind == 2:
        value = f"{rng.uniform(-1, 1):.3e}"
    elif kind == 3:
        value = f"{rng.randrange(1000, 9999999):,}".replace(",", thousands or "")
    else:
        value = rng.choice(["0", "-0.5", "+7", ".5", "5.", "1E3"])
    return value.replace(".", decimal) if decimal != "." and kind != 3 else value


def draw(rng):
    delimiter = rng.choice([",", ",", ";", "\t", "|"])
    decimal = "," if delimiter != "," and rng.random() < 0.4 else "."
    thousands = rng.choice([None, "." if decimal == "," else "'"]) if delimiter != "," else None
    kinds = [rng.choice("nnt") for _ in range(rng.randrange(1, 6))] + ["n"]
    rng.shuffle(kinds)
    rows = []
    for _ in range(rng.randrange(2, 7)):
        cells = [number(rng, decimal, thousands) if kind == "n" else rng.choice(WORDS) for kind in kinds]
        rows.append([rng.choice(MARKS) if rng.random() < 0.15 else cell for cell in cells])
    for c, kind in enumerate(kinds):  # something in every column
        rows[-1][c] = "1" if kind == "n" else "setosa"
    header = rng.random() < 0.5
    lines = ([[f"name {c}" for c in range(len(kinds))]] if header else []) + rows
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=rng.choice(["\n", "\r\n"]),
                        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    if rng.random() < 0.3:
        out.write("# a remark\n\n")
    for line in lines:
        writer.writerow(line + ([""] if len(kinds) % 2 else []))
        if len(kinds) > 1 and rng.random() < 0.1:
            out.write("\n")
    text = ("\ufeff" if rng.random() < 0.2 else "") + out.getvalue()
    return text, delimiter, decimal, thousands, header


def read(text, delimiter, decimal, thousands, header):
    """The independent half: knows the text and how it is to be read, not how it was made."""
    text = text.removeprefix("\ufeff")
    while text.startswith(("#", "\n")):
        text = text.split("\n", 1)[1]
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    while all(row[-1] == "" for row in rows):
        rows = [row[:-1] for row in rows]
    names = rows.pop(0) if header else []
    columns, classes = [], []
    for column in zip(*rows):
        cells = [None if cell.lower() in {mark.lower() for mark in MARKS} else cell for cell in column]
        try:
            plain = [cell and cell.replace(thousands or decimal, "" if thousands else decimal) for cell in cells]
            columns.append([None if cell is None else float(cell.replace(decimal, ".")) for cell in plain])
            classes.append([])
        except ValueError:
            kinds = sorted({cell.encode() for cell in cells if cell is not None})
            columns.append([None if cell is None else kinds.index(cell.encode()) for cell in cells])
            classes.append([kind.decode() for kind in kinds])
    return names, list(zip(*columns)), classes


def quote(text):
    return json.dumps(text, ensure_ascii=False).replace("\ufeff", "\\xef\\xbb\\xbf\" \"")


def value(x):
    return "kNaN" if x is None else repr(struct.unpack("f", struct.pack("f", x))[0])


def braces(items):
    return "{" + ", ".join(items) + "}"


def main():
    print("// Written by golden_csv.py.\n#pragma once\n#include <limits>\n#include <string>\n#include <vector>\n")
    print("constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();\n")
    print("struct GoldenCsv {\n  std::string text;\n  char delimiter, decimal, thousands;\n"
          "  std::vector<std::string> names;\n  std::vector<std::vector<double>> rows;\n"
          "  std::vector<std::vector<std::string>> classes;\n};\n")
    print("// clang-format off\ninline const std::vector<GoldenCsv> kGoldenCsv = {")
    rng = random.Random(11)
    for _ in range(60):
        text, delimiter, decimal, thousands, header = draw(rng)
        names, rows, classes = read(text, delimiter, decimal, thousands, header)
        mark = {"\t": "'\\t'", "'": "'\\''", None: "'\\0'"}
        chars = [mark.get(c, f"'{c}'") for c in (delimiter, decimal, thousands)]
        print(f"    {{{quote(text)}, {', '.join(chars)},")
        print(f"     {braces(map(quote, names))},")
        print("     " + braces(braces(map(value, row)) for row in rows) + ",")
        print("     " + braces(braces(map(quote, names)) for names in classes) + "},")
    print("};\n// clang-format on")


main()
