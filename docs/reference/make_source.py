"""Writes what Doxygen and Sphinx read: the public headers, a page for each, and the guides.

usage: make_source.py ROOT OUT      fails where a public name has no comment
       make_source.py --examples XML_FOLDER      behind Doxygen: lines of examples as they were written,
                                                 where Breathe would lose the blanks before a keyword

OUT/headers/ are the headers as headers.py says them, OUT/source/ the pages: the Markdown of the
repository where it stands there, and reference/, one page for each public header, by folder. No list
is kept by hand: a header is public when norma.h, or what is included for tests, reaches it, or when a
component has it in its include/.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import headers

FOLDERS = {
    "core": "Tensors, random numbers, threads, errors",
    "autograd": "Operations and their gradients",
    "layers": "Modules, layers, losses, initial values",
    "optim": "Optimisers and schedules",
    "io": "Files of weights, checkpoints, the numbers of a run",
    "data": "Data sets, transforms, the loader",
    "testing": "For your own unit tests",
}
GUIDES = {
    "From and to": ["from-pytorch", "from-libtorch", "onnx", "tensorboard"],
    "Using Norma": [],
    "Inside": ["reading-norma", "inside", "extending", "performance"],
}
LINK = re.compile(r"(\]\()((?!https?:|#|mailto:)[^)#\s]+)")


def write(path, text):
    """Only where it changes, so that Sphinx reads no page twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def page_of(header):
    """core/tensor.h and components/onnx/include/norma/onnx.h as pages: core/tensor, onnx/norma/onnx."""
    return re.sub(r"^components/(\w+)/include/", r"\1/", header).removesuffix(".h")


def included_as(header):
    component = re.match(r"components/\w+/include/(.*)", header)
    return component.group(1) if component else "norma/" + header


def write_headers(root, out, public):
    unsaid, methods = [], headers.tensor_methods(root)
    for header in public:
        text = (root / header).read_text()
        component = header.split("/")[1] if header.startswith("components/") else ""
        known = methods if header.startswith("core/tensor") else ()
        told, missing = headers.for_doxygen(text, component, page_of(header).replace("/", "_"), known)
        write(out / "headers" / header, told)
        for declaration in missing:
            line = text.count("\n", 0, declaration.start) + 1
            unsaid.append(f"{header}:{line}: {declaration.text[:70]}: nothing says what this is")
    return unsaid


def write_reference(root, out, public):
    source = out / "source"
    names = {}
    for header in public:
        page = page_of(header)
        folder = page.split("/")[0] if "/" in page else ""
        text = (root / header).read_text()
        told = (out / "headers" / header).read_text()
        made = re.findall(r"@defgroup (\S+) ", told)
        if not made:
            continue  # it includes others, and nothing else
        names.setdefault(folder, []).append((page, headers.purpose_of(text)))
        short = page.removeprefix(folder + "/")
        body = f"# {short}\n\n`#include <{included_as(header)}>`: {headers.purpose_of(text)}\n\n"
        body += headers.said_of_all(text)
        group = page.replace("/", "_")
        if group in made:
            body += f"```{{doxygengroup}} {group}\n:content-only:\n```\n"
        spaces = {headers.group_of(group, d): d.space for d in headers.declarations_of(told)}
        for name in (name for name in made if name != group):
            title = f"## In namespace {spaces[name]}\n\n" if spaces[name] else ""
            body += f"\n{title}```{{cpp:namespace}} {spaces[name] or 'nullptr'}\n```\n"
            body += f"```{{doxygengroup}} {name}\n:content-only:\n```\n```{{cpp:namespace}} nullptr\n```\n"
        write(source / "reference" / f"{page}.md", body)
    listed = []
    for folder, pages in names.items():
        title = FOLDERS.get(folder, f"The component norma::{folder}")
        rows = "".join(f"| [{page.removeprefix(folder + '/')}]({page}.md) | {purpose} |\n" for page, purpose in pages)
        tree = "\n".join(page for page, _ in pages)
        text = f"# {folder}\n\n{title}.\n\n| header | |\n|---|---|\n{rows}\n```{{toctree}}\n:hidden:\n\n{tree}\n```\n"
        write(source / "reference" / f"{folder}.md", text)
        listed.append(folder)
    return [f for f in FOLDERS if f in listed] + sorted(f for f in listed if f not in FOLDERS)


def write_guides(root, source, public):
    pages = [root / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")]
    pages += sorted(root.glob("docs/*.md")) + sorted(root.glob("docs/lessons/*.md"))
    targets = {(root / header).resolve(): source / "reference" / f"{page_of(header)}.md" for header in public}

    def redirected(page):
        def to(match):
            target = (page.parent / match.group(2)).resolve()
            other = targets.get(target)
            if other and other.exists():
                place = source / page.relative_to(root).parent
                return match.group(1) + pathlib.Path(*[".."] * len(place.relative_to(source).parts), other.relative_to(source)).as_posix()
            return match.group(0)

        return to

    for page in pages:
        write(source / page.relative_to(root), LINK.sub(redirected(page), page.read_text()))
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    for name in {pathlib.Path(path).parts[0] for path in tracked} - {"docs"}:
        place = source / name
        if not place.exists() and not name.endswith(".md"):
            place.symlink_to(root / name)
    images = source / "docs" / "images"
    if not images.exists():
        images.symlink_to(root / "docs" / "images")
    return [str(page.relative_to(root / "docs").with_suffix("")) for page in pages if page.parent != root]


def index(guides, folders):
    sections = {title: [name for name in names if name in guides] for title, names in GUIDES.items()}
    lessons = sorted((name for name in guides if name.startswith("lessons/")), key=lambda name: (not name.endswith("README"), name))
    sections = {"Lessons": lessons, **sections}
    named = {name for names in sections.values() for name in names}
    sections["Using Norma"] = [name for name in guides if name not in named]
    text = "# Norma\n\nA small deep-learning framework in C++20. [What it is, and how to begin](README.md).\n\n"
    text += "Guides on the left; below, [every public name](#reference), by folder. The search knows both.\n\n## Reference\n\n"
    text += "".join(f"- [{f}](reference/{f}.md): {FOLDERS.get(f, 'the component norma::' + f)}\n" for f in folders)
    trees = {"Norma": ["README"]}
    trees |= {title: [f"docs/{name}" for name in names] for title, names in sections.items() if names}
    trees["Reference"] = [f"reference/{folder}" for folder in folders]
    trees["The project"] = ["CONTRIBUTING", "SECURITY", "CHANGELOG"]
    for title, pages in trees.items():
        text += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(pages) + "\n```\n"
    return text


def plain_examples(folder):
    for path in folder.glob("*.xml"):
        text = path.read_text()
        plain = re.sub(
            r"<codeline>(.*?)</codeline>",
            lambda m: f'<codeline><highlight class="normal">{re.sub("</?highlight[^>]*>", "", m.group(1))}</highlight></codeline>',
            text,
        )
        if plain != text:
            path.write_text(plain)


def main():
    if sys.argv[1] == "--examples":
        return plain_examples(pathlib.Path(sys.argv[2]))
    root, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    source = out / "source"
    library, components = headers.public_headers(root)
    public = library + components
    unsaid = write_headers(root, out, public)
    folders = write_reference(root, out, public)
    guides = write_guides(root, source, public)
    write(source / "index.md", index(guides, folders))
    shutil.copy(root / "docs" / "reference" / "conf.py", source / "conf.py")
    print("\n".join(unsaid) or f"{len(public)} public headers, {len(guides)} guides")
    sys.exit(bool(unsaid))


if __name__ == "__main__":
    main()
