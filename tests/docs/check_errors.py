"""Every public function that refuses arguments says in its header which.

usage: check_errors.py ROOT      exits 1 and prints every complaint

What refuses is found in the sources, by the operations named in `fail("op", …)`, in constants `kOp` and `op`,
and in calls of a checking function. The sentence has one of the words of SAID and stands in the comment of
the function, of its class or of an overload right above; first in the header, as `Errors of all`, it is enough
for what only calls checking functions or has no comment of its own. Whether it is true, and whole, nobody but
a reader sees. Not checked: operations whose name is passed on.
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs" / "reference"))
import headers

SAID = re.compile(r"\b([Ee]rrors?|[Tt]hrows?|[Rr]efuse[sd]?|must)\b")
FAILS = re.compile(r'\bfail\(\s*"([\w:.]+)"|\b(?:kOp|op)(?:\[\])? = "([\w:.]+)"')
CHECKS = re.compile(r'\b(?:refuse\w*|\w*check\w*)\(\s*"([\w:.]+)"()')
ALONE = re.compile("Tensor|Module$")  # classes whose messages name methods without the class


def operations_of(root):
    """The names in front of messages, without namespaces, of those that fail, and of those that call a check."""
    folders = ("core", "autograd", "layers", "optim", "io", "data", "testing", "components")
    sources = [path for folder in folders for path in (root / folder).rglob("*") if path.suffix in (".h", ".cpp")]
    texts = [re.sub(r"//[^\n]*", "", path.read_text()) for path in sources if "components/torch/" not in path.as_posix()]
    named = lambda how: {re.sub(r"^[a-z_]+(::|\.)", "", a or b) for text in texts for a, b in how.findall(text)}
    return named(FAILS), named(CHECKS)


def comment_of(text, declaration):
    """The `///` lines right above a declaration, and `///<` in its lines."""
    above = re.search(r"((?:^[ \t]*///.*\n)*)[^\n]*\Z", text[: declaration.start], re.MULTILINE).group(1)
    end = text.find("\n", declaration.end)
    return above + " ".join(re.findall(r"///<.*", text[declaration.start : end]))


def complaints_of(header, text, fails, checks):
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
        if d.kind != "function" or not names & (fails | checks) or headers.is_noise(d):
            continue
        of_all = headers.said_of_all(text) if not names & fails or not d.documented else ""
        if not SAID.search(said + classes.get(d.scope, "") + of_all):
            yield f"{header}:{text.count(chr(10), 0, d.start) + 1}: {d.name} refuses arguments: say which (Errors: …)"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    library, components = headers.public_headers(root)
    public = library + [header for header in components if not header.startswith("components/torch/")]  # as in libtorch
    named = operations_of(root)
    complaints = [c for header in public for c in complaints_of(header, (root / header).read_text(), *named)]
    print("\n".join(complaints) or f"{len(public)} headers, {len(set.union(*named))} operations, nothing to complain about")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
