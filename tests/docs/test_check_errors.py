"""check_errors.py misses each kind of sentence that is taken out of a small header."""

import re

from check_errors import complaints_of

HEAD = "// A.\n//\n// Errors of all: a.\n"
GOOD = [
    HEAD + "#pragma once\nnamespace n {\n/// C.\nvoid checks(int);\nvoid f(int);\n}",
    "namespace n {\n/// F. Throws for b.\nvoid f(int);\nvoid f(char);\n}",
    "namespace n {\nvoid f(int);  ///< f; others throw\n}",
    "namespace n {\n/// C. Errors: c.\nclass C {\n public:\n  C(int);\n};\n}",
    "namespace n {\n/// D.\nclass D {\n public:\n  D();\n  /// Refuses d.\n  void g(int);\n};\n}",
]
FAILS, CHECKS = {"f", "C", "D::g"}, {"checks"}
for text in GOOD:
    taken = re.sub(r"Errors of all: a\.|Throws for b\.|; others throw|Errors: c\.|Refuses d\.", "", text)
    assert taken != text and not list(complaints_of("h", text, FAILS, CHECKS)), text
    assert list(complaints_of("h", taken, FAILS, CHECKS)), taken
assert list(complaints_of("h", HEAD + "#pragma once\nnamespace n {\n/// F.\nvoid f(int);\n}", FAILS, CHECKS))
print("every sentence that was taken out was missed")
