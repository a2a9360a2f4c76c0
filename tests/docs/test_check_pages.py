"""check_pages.py finds what it is there to find."""

import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).with_name("check_pages.py")
SOURCE = """\
// Adds one.
int add_one(int x) {
  return x + 1;
}

int twice(int x) { return 2 * x; }
"""
GOOD = """\
[a source](../a.cpp), `[](const Tensor& g)`

<!-- excerpt: a.cpp -->
```cpp no-test
int add_one(int x) {
  …
}
```

<!-- at most: 7 lines -->
| file | read | lines |
|---|---|---:|
| [`a.cpp`](../a.cpp) | `int add_one(` | 4 |
| [`a.cpp`](../a.cpp) | `int twice(` | 1 |
| **all** | | **5** |
"""


def run(page):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "a.cpp").write_text(SOURCE)
        (root / "docs").mkdir()
        (root / "docs" / "page.md").write_text(page)
        done = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True)
        return done.returncode, done.stdout


assert run(GOOD) == (0, "1 pages, nothing to complain about\n"), run(GOOD)
for old, new, complaint in [
    ("](../a.cpp),", "](../b.cpp),", "leads to ../b.cpp, which does not exist"),
    ("excerpt: a.cpp", "excerpt: b.cpp", "quotes b.cpp, which does not exist"),
    ("int add_one(int x) {\n", "int add_one(int y) {\n", "quotes a.cpp, where this does not stand"),
    ("| 4 |", "| 3 |", "../a.cpp, `int add_one(`: says 3 lines, has 4"),
    ("`int twice(`", "whole", "../a.cpp, whole: says 1 lines, has 6"),
    ("`int twice(`", "`int thrice(`", "says 1 lines, has None"),
    ("**5**", "**6**", "the counts add up to 5, the page says 6"),
    ("at most: 7", "at most: 4", "5 lines to read, at most 4"),
]:
    assert old in GOOD, old
    status, output = run(GOOD.replace(old, new))
    assert status == 1 and complaint in output, (complaint, output)
print("every planted fault was found")
