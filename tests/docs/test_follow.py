"""follow.py does what a page says, and finds where it does not hold."""

import pathlib
import subprocess
import sys
import tempfile

FOLLOW = pathlib.Path(__file__).with_name("follow.py")
PAGE = """\
The file, and what stands in no file:

<!-- file: sub/names.txt -->
```text
Ada
Emmy
```

```cpp
int x = 1;
```

```console
$ export WORD=hello
$ cat sub/names.txt
Ada
Emmy
```

<!-- varies: \\d+ ms -->
```console
$ echo $WORD; echo a; echo b; echo "took 17 ms"
hello
…
took 3 ms
$ echo not compared
$ echo "$DIR" && pwd
/norma
…
```

<!-- in: sub -->
```console
$ wc -l \\
    < names.txt
2
```
"""


def run(page, *part):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "page.md").write_text(page)
        command = [sys.executable, FOLLOW, root / "page.md", root / "empty", "/norma", "c++", *part]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return ran.returncode, ran.stdout, ran.stderr


def expect_refused(text, other, words):
    assert text in PAGE
    status, _, said = run(PAGE.replace(text, other))
    assert status == 1 and words in said, said


def main():
    status, printed, said = run(PAGE)
    assert status == 0, said
    assert printed.count("$ ") == 6, printed
    status, printed, said = run(PAGE, "sub")  # that part alone
    assert status == 0 and printed.count("$ ") == 1, printed
    expect_refused("cat sub/names.txt\nAda", "cat sub/names.txt\nEve", "page.md: another output of: cat sub/names.txt")
    expect_refused("cat sub/names.txt\nAda", "cat sub/names.txt\nEve", "-Eve\n+Ada")
    expect_refused("took 3 ms", "took 3 s", "another output")
    expect_refused("…\ntook", "took", "another output")
    expect_refused("echo not compared", "false", "page.md: this command ended with 1: false")
    expect_refused("echo not compared", "exit 3", "page.md: the shell ended in: exit 3")
    # So is a program that warns.
    expect_refused("echo not compared", "echo 'int f(int x) { return 0; }' > f.cpp && g++ -c f.cpp", "ended with 1")
    status, _, said = run("No commands here.\n")
    assert status == 1 and "page.md shows no commands" in said, said


if __name__ == "__main__":
    main()
