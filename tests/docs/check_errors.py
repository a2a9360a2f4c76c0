"""Every public function that refuses arguments says in its header which.

usage: check_errors.py ROOT      exits 1 and prints every complaint
       check_errors.py --test    each kind of sentence, taken out of a small header, is missed

What refuses is found in the sources, by the operations named in `fail("op", …)`, in calls of a checking
function and in constants `kOp` and `op`. The sentence has one of the words of SAID and stands in the comment
of the function, of its class, of an overload right above, or first in the header (`Errors of all`). Whether
it is true, and whole, nobody but a reader sees. Not checked: operations whose name is passed on.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "reference"))
import headers

SAID = re.compile(r"\b([Ee]rrors?|[Tt]hrows?|[Rr]efuse[sd]?|must)\b")
NAMED = re.compile(r'\b(?:fail|refuse\w*|\w*check\w*)\(\s*"([\w:.]+)"|\b(?:kOp|op)(?:\[\])? = "([\w:.]+)"')
ALONE = re.compile("Tensor|Module$")  # classes whose messages name methods without the class


def operations_of(root):
    """The names in front of messages, without namespaces: "conv2d", "StepLR", "History::log", "inv" of "linalg.inv"."""
    folders = ("core", "autograd", "layers", "optim", "io", "data", "testing", "components")
    sources = [path for folder in folders for path in (root / folder).rglob("*") if path.suffix in (".h", ".cpp")]
    texts = [re.sub(r"//[^\n]*", "", path.read_text()) for path in sources if "components/torch/" not in path.as_posix()]
    return {re.sub(r"^[a-z_]+(::|\.)", "", a or b) for text in texts for a, b in NAMED.findall(text)}


def comment_of(text, declaration):
    """The `///` lines right above a declaration, and `///<` in its lines."""
    above = re.search(r"((?:^[ \t]*///.*\n)*)[^\n]*\Z", text[: declaration.start], re.MULTILINE).group(1)
    end = text.find("\n", declaration.end)
    return above + " ".join(re.findall(r"///<.*", text[declaration.start : end]))


def complaints_of(header, text, operations):
    classes, before, declarations = {}, None, headers.declarations_of(text)
    methods = {d.name for d in declarations if ALONE.match(d.scope)}
    for d in declarations:
        said = comment_of(text, d)
        if before and before[0] == (d.scope, d.name) and re.match(r"\s*(/// The same\b|$)", said):
            said += before[1]
        before = (d.scope, d.name), said
        if d.kind in ("class", "struct"):
            classes[d.name] = said
        is_method = d.in_class and d.name != d.scope or d.name in methods
        names = {f"{d.scope}::{d.name}"} if is_method else {d.name}
        if ALONE.match(d.scope):
            names.add(d.name)
        if d.kind != "function" or not names & operations or headers.is_noise(d):
            continue
        if not SAID.search(said + classes.get(d.scope, "") + headers.said_of_all(text)):
            yield f"{header}:{text.count(chr(10), 0, d.start) + 1}: {d.name} refuses arguments: say which (Errors: …)"


def test():
    said = "// A.\n//\n// Errors of all: a.\n#pragma once\nnamespace n {\n"
    plain = "#pragma once\nnamespace n {\n"
    named = {"f", "C", "C::g"}
    good = [said + "/// F.\nvoid f(int);\n}", plain + "/// F. Throws for b.\nvoid f(int);\nvoid f(char);\n}"]
    good += [plain + "void f(int);  ///< f; others throw\n}", plain + "/// C. Errors: c.\nclass C {\n public:\n  C(int);\n};\n}"]
    good += [plain + "/// C.\nclass C {\n public:\n  C();\n  /// Refuses d.\n  void g(int);\n};\n}"]
    for text in good:
        taken = re.sub(r"Errors of all: a\.|Throws for b\.|; others throw|Errors: c\.|Refuses d\.", "", text)
        known = named - ({"C"} if "Refuses" in text else set())
        assert not list(complaints_of("h", text, known)), text
        assert list(complaints_of("h", taken, known)), taken
    print("every sentence that was taken out was missed")


def main():
    if sys.argv[1] == "--test":
        return test()
    root = pathlib.Path(sys.argv[1]).resolve()
    library, components = headers.public_headers(root)
    public = library + [header for header in components if not header.startswith("components/torch/")]  # as in libtorch
    operations = operations_of(root)
    complaints = [c for header in public for c in complaints_of(header, (root / header).read_text(), operations)]
    print("\n".join(complaints) or f"{len(public)} headers, {len(operations)} operations, nothing to complain about")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
