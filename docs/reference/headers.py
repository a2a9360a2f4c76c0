"""The public headers, as Doxygen is to read them: what the house leaves unsaid is said.

Everything is put in without a new line, so that Doxygen's complaints name the lines of the sources.

- `// --- Title ---` begins a group of members.
- `name_` without a comment is `name` in place, where `name` is in the same header.
- What has no comment and the name of what stands right above is said to be as that.
- `fresh()`, what a constructor was given, and the second half of a class have the same words everywhere.
- Of libtorch's names (components/torch) those without a comment are as in libtorch; a macro that
  makes a layer or an optimiser stands for the class it makes.
"""

import re

ROOTS = ["norma.h", "testing.h", "testing/catch2.h", "testing/gtest.h"]


def public_headers(root):
    """Those that users can include, sorted: of the library, then of the components."""
    found, unread = [], list(ROOTS)
    while unread:
        header = unread.pop()
        if header not in found:
            found.append(header)
            unread += re.findall(r'^#include "norma/(.*?)"', (root / header).read_text(), re.MULTILINE)
    components = sorted(path.relative_to(root).as_posix() for path in root.glob("components/*/include/**/*.h"))
    return sorted(found), components


class Declaration:
    def __init__(self, text, start=0, end=0, scope="", in_class=False, space="", documented=False):
        self.text, self.start, self.end = text, start, end
        self.scope, self.in_class, self.space, self.documented = scope, in_class, space, documented
        head = re.sub(r"^template\s*<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>\s*", "", text)
        head = re.sub(r"\[\[.*?\]\] ?|\b(requires|explicit) ?\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "", head).strip()
        head = head.removeprefix("inline ") if head.startswith("inline namespace") else head
        kind = re.match(r"(?:class|struct|union|enum(?: class)?|concept|using|namespace|friend)\b", head)
        self.kind = kind.group(0) if kind else "member"
        name = re.search(r"(operator\s*[^\w\s]+(?=\()|operator\s+[\w:]+(?:<.*>)?|~?\w+)\s*\(", head)
        if self.kind in ("member", "friend") and name and not re.search(r"[^=!<>]=", head[: name.start(1)]):
            self.kind, self.name = "function" if self.kind == "member" else "friend", name.group(1)
        else:
            name = re.match(r"(?:[\w ]+? )?(?:class|struct|union|enum(?: class)?|concept|using|namespace) ([\w:]+)", head)
            name = name or re.search(r"(\w+)\s*(?:\[.*\])?\s*(?:=|\{|;|,|$)", head)
            self.name = name.group(1).split("::")[-1] if name else ""


TOKEN = re.compile(
    r"(?P<doc>///[^\n]*|/\*\*.*?\*/)|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<pre>^[ \t]*#(?:[^\n\\]|\\\n|\\.)*)"
    r"|(?P<string>R\"\((?:.|\n)*?\)\"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')|(?P<word>\w+)|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL | re.MULTILINE,
)


def declarations_of(text):
    """What is declared outside of function bodies, in order; public and protected parts alone."""
    # Name, whether it is a class, namespace, access, whether all in it is private.
    scopes, found = [["", False, "", "public", False]], []
    start, depth, body, doc_end = None, 0, 0, None

    def finish(end):
        nonlocal start, doc_end
        if start is not None:
            rest = text[end : text.find("\n", end)]
            said = doc_end is not None or "///<" in rest or "///<" in text[start:end]
            if scopes[-1][3] != "private":
                code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text[start:end], flags=re.DOTALL)
                found.append(Declaration(re.sub(r"\s+", " ", code).strip(), start, end, *scopes[-1][:3], said))
        start, doc_end = None, None

    for token in TOKEN.finditer(text):
        kind, value = token.lastgroup, token.group()
        if kind in ("comment", "pre", "space", "doc"):
            if body == 0 and start is None:
                if kind == "doc" and not value.startswith("///<"):
                    doc_end = token.end()
                elif kind == "space" and value.count("\n") > 1 or kind == "pre":
                    doc_end = None
            continue
        if body:
            body += {"{": 1, "}": -1}.get(value, 0)
            constraint = re.search(r"\brequires(\s*\([^()]*\))?\s*\{[^{}]*\}$", text[start : token.end()])
            if body == 0 and not constraint and not re.match(r"\s*[;,{)\]]", text[token.end() :]):
                finish(token.end())
            continue
        if start is None:
            if value == "}":
                if len(scopes) > 1:
                    scopes.pop()
                continue
            if value == ";":
                continue
            if value in ("public", "protected", "private") and re.match(r"\s*:(?!:)", text[token.end() :]):
                scopes[-1][3] = "private" if scopes[-1][4] else value
                continue
            if value == ":":
                continue
            start = token.start()
        if value in "([":
            depth += 1
        elif value in ")]":
            depth -= 1
        elif value == "{":
            head = text[start : token.start()]
            opened = Declaration(head)
            if depth or opened.kind not in ("namespace", "class", "struct", "union") or head.rstrip().endswith("="):
                body = 1
                continue
            hidden = scopes[-1][3] == "private" or opened.name == "detail"
            if opened.kind == "namespace":
                start, doc_end = None, None
            else:
                finish(token.start())
            access = "private" if hidden or opened.kind == "class" else "public"
            space = scopes[-1][2]
            if opened.kind == "namespace":
                space = "::".join(filter(None, [space, re.search(r"namespace\s+([\w:]*)", head).group(1)]))
            scopes.append([opened.name, opened.kind != "namespace", space, access, hidden])
        elif value == ";" and depth == 0:
            finish(token.end())
    return found


def said_elsewhere(declaration, before, declarations, methods):
    """The words for a declaration without a comment, by the rules above; None where there are none."""
    name, text, scope = declaration.name, declaration.text, declaration.scope
    siblings = [d for d in declarations if d.scope == scope]
    if name == "fresh":
        return "A new one of the same options, which clone() fills."
    if declaration.kind == "function" and before and before.scope == scope and before.name == name:
        return "As above."
    if name.endswith("_") and (
        name[:-1] in methods or any(d.name == name[:-1] and d.kind == "function" for d in siblings)
    ):
        return f"`{name[:-1]}` in place: changes the values of this, and returns it."
    if name in (scope, "forward", "operator()") or re.search(r"\b(override|final)\b", text):
        return "<!-- -->"  # its class speaks of it, or the base class
    if scope == "Iterator":
        return "<!-- -->"  # as in the standard library
    if scope.endswith("ParamGroup"):
        return "The tensors of the group." if name == "params" else "Of this group; left out: the optimiser's."
    if re.search(rf"\b{re.escape(name)}\(\) const {{ return ({re.escape(name)}_|options_);", text):
        made = [d.text for d in siblings if d.name == scope]
        if any(re.search(rf"\b{re.escape(name)}\b", constructor) for constructor in made):
            return "What the constructor was given."
    short = re.search(r"\)(?: const)?(?: noexcept)? \{ return ([^;{}]{1,60}); \}$", text)
    if declaration.kind == "function" and short and not re.search(r"_\b|\*this|^this$", short.group(1)):
        return f"Short for `{short.group(1)}`."
    alias = re.fullmatch(r"using \w+ = (.{1,80});", text)
    if alias:
        return f"Short for `{alias.group(1)}`."
    if declaration.kind == "struct" and re.search("(Options|Args)$", name):
        behind = [d for d in siblings if d.start > declaration.start and d.kind in ("class", "function")]
        if behind:
            return f"The options of `{behind[0].name}`."
    return None


FORWARD = r"(template <[^;{}]*> )?(class|struct|enum class) (\[\[.*?\]\] )?\w+( : \w+)?;"


def is_noise(declaration):
    """What a reader of the reference has no use for."""
    name, text, scope = declaration.name, declaration.text, declaration.scope
    if declaration.kind == "friend" or re.match(r"static_assert|extern template|.*struct std::|.*operator==.*= default;", text) or scope == "tuple_element":
        return True
    if declaration.kind in ("class", "struct", "enum class") and re.fullmatch(FORWARD, text):
        return True  # declared here, defined elsewhere
    if declaration.kind == "namespace":
        return True
    if declaration.kind == "function" and re.search(rf"\w::{re.escape(name)}\(", text.split("{")[0]):
        return True  # declared elsewhere, defined here
    if declaration.documented:
        return False
    if re.match(r"using .*::(\w+|operator\(\));$", text) and "=" not in text:
        return True
    own = rf"(const )?{scope}(<.*>)?\s*&&?\s*\w*"
    return name == "~" + scope or re.search(rf"\b({scope}|operator=)\({own}\)", text) is not None


def tensor_methods(root):
    """The names of all methods of Tensor."""
    headers = [root / "core" / f"{name}.h" for name in ("tensor", "tensor_methods", "tensor_spellings")]
    found = [d for header in headers for d in declarations_of(header.read_text())]
    return {d.name for d in found if d.kind == "function" and d.scope.startswith("Tensor")}


MACRO = re.compile(r"\b(NORMA_TORCH_\w+|TORCH_ARG|TORCH_MODULE)\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\);?")


def without_macros(text):
    """The names of libtorch that macros make, written out; line for line."""

    def written_out(match):
        kind = match.group(1).removeprefix("NORMA_TORCH_")
        words = [word.strip() for word in match.group(2).split(",")]
        name = words[1] if re.match(r"LAYER|CONV|LOSS_OF|IMPL", kind) and len(words) > 1 else words[0]
        if kind == "OPTIMIZER":
            made = f"/** Over norma::optim::{name}. */ using {name} = OptimizerOf<norma::optim::{name}, {name}Options>;"
        elif kind == "TORCH_ARG":
            made = f"/** An option: {words[1]}(value) sets it, {words[1]}() reads it. */ {words[0]}& {words[1]}();"
        elif kind in ("F", "F0", "L", "LW", "L3", "C"):
            given = {"L3": "const Tensor& a, const Tensor& b, const Tensor& c", "C": "const Tensor& x, const Tensor& weight"}
            given = given.get(kind, "const Tensor& x, const Tensor& target" if kind[0] == "L" else "const Tensor& x")
            options = words[1] + ("FuncOptions" if kind[0] in "FC" else "Options")
            made = f"/** {words[1]}, called at once. */ Tensor {name}({given}, const {options}& options);"
        elif kind == "METHODS":
            method = "template <class... Args> auto {0}(const Tensor& x, const Args&... args);"
            made = " ".join(f"/** x.{m}(args…). */ {method.format(m)}" for m in sorted(methods))
        elif kind == "TORCH_MODULE" or re.match(r"LAYER|CONV|LOSS|IMPL|SIMPLE|NORM|PAD", kind):
            made = f"/** A holder of libtorch's module, over norma::nn::{name}. */ class {name} : public ModuleHolder<{name}Impl> {{}};"
        else:
            made = ""
        return made + "\n" * match.group().count("\n")

    methods = set(re.findall(r"\bM\((\w+)\)", text))
    text = re.sub(r"^#define (?:NORMA_TORCH|TORCH_)(?:[^\n\\]|\\\n|\\.)*", lambda m: "\n" * m.group().count("\n"), text, flags=re.M)
    return MACRO.sub(written_out, text)


PARENTHESES = r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)"
CONSTRAINT = re.compile(
    rf"\brequires\s*{PARENTHESES}|\brequires requires\s*{PARENTHESES}\s*\{{[^{{}}]*\}}"
    r"|\brequires\s+!?[\w:]+(?:<(?:[^<>]|<[^<>]*>)*>)?(?=\s+[\w:~])|\bexplicit\(false\)"
)


def plain(text):
    """Without what Doxygen 1.9 or Sphinx cannot follow; line for line."""
    text = CONSTRAINT.sub(lambda match: "\n" * match.group().count("\n"), text)
    text = text.replace("= {.dtype = kInt64}", "= {kInt64}")
    lines, fenced = text.split("\n"), False
    for number, line in enumerate(lines):
        fenced ^= line.lstrip().startswith("/// ```")
        if not fenced and re.match(r"\s*///(?!     )", line):  # prose, which has no tags of HTML
            lines[number] = re.sub(r"(`[^`]*`)|<(?=\w+>)", lambda match: match.group(1) or "\\<", line)
    return "\n".join(lines)


GROUP = re.compile(r"^([ \t]*)// --- (.*?(?:\n[ \t]*// .*?)*?) ---$", re.MULTILINE)
SOURCES = re.compile(r"\s*\([^()]*\w+/\w+\.(?:cpp|h)[^()]*\)")


def with_groups(text):
    """`// --- Title ---` as Doxygen's groups of members, each up to the next or the end of its scope."""
    edits = []
    for match in GROUP.finditer(text):
        title = re.sub(r"\s*\n\s*//\s*", " ", match.group(2))
        title = SOURCES.sub("", title).strip()
        end = re.compile(r"^[ \t]*// --- |^(?![ \t]*$|[ \t]*#)(?!" + match.group(1) + r"[ \t]*\S)", re.MULTILINE)
        if not match.group(1):
            end = re.compile(r"^// --- |^\}", re.MULTILINE)
        stop = end.search(text, match.end() + 1)
        lines = "\n" * match.group().count("\n")
        edits.append((match.start(), match.end(), f"{match.group(1)}/** @name {title} */ /** @{{ */{lines}"))
        edits.append((stop.start(), stop.start(), "/** @} */ "))
    for start, end, words in sorted(edits, key=lambda edit: (edit[0], edit[1]), reverse=True):
        text = text[:start] + words + text[end:]
    return text


def group_of(group, declaration):
    """Classes know their namespaces; of the rest those of one namespace are a group."""
    if declaration.kind in ("class", "struct", "union"):
        return group
    return f"{group}_in_{declaration.space.replace('::', '_')}"


def for_doxygen(text, component="", group="", methods=()):
    """The text with what the rules add, line for line; and the declarations nothing is said of."""
    if component == "torch":
        text = without_macros(text)
    declarations = declarations_of(text)
    unsaid, edits, groups, before = [], [], set(), None
    for declaration in declarations:
        if is_noise(declaration):
            edits.append((declaration.start, declaration.end, None))
            continue
        if not declaration.documented:
            words = said_elsewhere(declaration, before, declarations, methods)
            if words is None and component == "torch":
                words = "As in libtorch."
            if words is None:
                unsaid.append(declaration)
            else:
                edits.append((declaration.start, declaration.start, f"/** {words} */ "))
        if not declaration.in_class and not re.match(r"(class|struct) \w+::", declaration.text):
            edits.append((declaration.start, declaration.start, f"/** @ingroup {group_of(group, declaration)} */ "))
            groups.add(group_of(group, declaration))
        before = declaration
    for start, end, words in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        if words is None:
            text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
        else:
            text = text[:start] + words + text[end:]
    text, defines = re.subn(r"^(/// .*)(?=\n#define)", rf"\1 @ingroup {group}", text, flags=re.MULTILINE)
    made = sorted(groups | ({group} if defines else set()))
    return with_groups(plain(text)) + "".join(f"/** @defgroup {name} {name} */\n" for name in made), unsaid


def purpose_of(text):
    """What a header says of itself in its first lines."""
    head = re.match(r"// (.*(?:\n// .*)*)", text)
    return re.sub(r"\n// ?", " ", head.group(1)) if head else ""


def said_of_all(text):
    """What a header's first comment says behind that, of everything in it: the paragraph of its errors."""
    head = re.sub(r"^// ?", "", text.split("#pragma once")[0], flags=re.MULTILINE)
    return "".join(part.strip() + "\n\n" for part in head.split("\n\n")[1:] if "Errors of all" in part)
