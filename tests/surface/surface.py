"""The public functions of Norma, from the headers of norma.h: `Tensor::add`, `functional::conv2d`, `nn::Linear::Linear`, …"""
import re
import sys
from pathlib import Path

WORDS = {"requires", "noexcept", "decltype", "alignas", "operator", "sizeof", "static_assert", "__attribute__", "if", "for",
         "while", "return", "switch", "fail", "defined"}


def stripped(text):
    """Without comments, literals, preprocessor lines and attributes."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    text = re.sub(r"'(\\.|[^'\\])'", "0", text)
    text = re.sub(r"^\s*#([^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    return re.sub(r"\[\[.*?\]\]", "", text)


def statements(text):
    """(scopes, statement) for every declaration at the level of namespaces and classes; bodies of functions are skipped."""
    scopes, start, at = [], 0, 0
    while at < len(text):
        c = text[at]
        if c in "({[" and not (c == "{" and opens_scope(text[start:at])):
            at = closing(text, at)
            ended = c == "{" and is_function(text[start:at])
            if ended:
                yield list(scopes), text[start:at]
                start = at
            continue
        if c == "{":
            scopes.append(scope_of(text[start:at]))
            start = at + 1
        elif c == "}":
            if scopes:
                scopes.pop()
            start = at + 1
        elif c == ";":
            yield list(scopes), text[start:at]
            start = at + 1
        elif c == ":" and re.fullmatch(r"\s*(public|private|protected)\s*", text[start:at]):
            scopes[-1] = (scopes[-1][0], scopes[-1][1], text[start:at].strip())
            start = at + 1
        at += 1


def closing(text, at):
    depth = 0
    for i in range(at, len(text)):
        depth += text[i] in "({["
        depth -= text[i] in ")}]"
        if depth == 0:
            return i + 1
    return len(text)


def opens_scope(head):
    head = re.sub(r"template\s*<[^{};]*?>\s*(?=class|struct|inline|$)", "", head).strip()
    return re.match(r'(inline\s+)?namespace\b|(class|struct|union|extern)\b', head) is not None and "(" not in head


def is_function(text):
    return re.search(r"\)[^()]*\{.*\}$|\boperator\b.*\{.*\}$", text, flags=re.S) is not None


def scope_of(head):
    head = re.sub(r"template\s*<.*>\s*(?=class|struct)", "", head, flags=re.S).strip()
    kind = head.split()[0] if head else ""
    if kind == "inline":
        kind = "namespace"
    names = re.findall(r"(?:namespace|class|struct)\s+(?:NORMA_\w+\s+)?([\w:]+)", head)
    return (kind, names[0] if names else "", "private" if kind == "class" else "public")


def name_in(statement):
    """The name of the function that a statement declares, None where it declares something else."""
    text = re.sub(r"\brequires\s*\(.*?\)\s*(?=[A-Z]|&&)", " ", statement, flags=re.S)
    text = re.sub(r"template\s*<.*?>\s*(?=\w)", "", text, flags=re.S)
    if re.match(r"\s*(using|typedef|friend|static_assert|enum|extern template)\b", text) or "= delete" in text:
        return None
    found = re.search(r"\boperator\s*(\(\)|\[\]|[^\s(\w]+|\w+)\s*\(", text)
    if found:
        return "operator" + found.group(1)
    for found in re.finditer(r"(~?\b\w+)\s*\(", text.split("=")[0]):
        if found.group(1) not in WORDS and not found.group(1).startswith("~"):
            return found.group(1)
    return None


def functions(header):
    for scopes, statement in statements(stripped(header.read_text())):
        if any(access != "public" for _, _, access in scopes):
            continue
        path = [name for _, name, _ in scopes if name]
        if any("detail" in part for part in path) or any(kind not in ("namespace", "class", "struct") for kind, _, _ in scopes):
            continue
        name = name_in(statement)
        if name:
            yield "::".join([part for part in path if part != "norma"] + [name]).replace("norma::", "")


def main():
    root = Path(sys.argv[1])
    headers = re.findall(r'#include "norma/(\S+)"', (root / "norma.h").read_text())
    for header in headers:
        for name in sorted(set(functions(root / header))):
            print(header, name)


if __name__ == "__main__":
    main()
