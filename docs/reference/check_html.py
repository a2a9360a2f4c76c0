"""Checks the pages that Sphinx has built.

usage: check_html.py HTML_FOLDER SOURCE_FOLDER      exits 1 and prints every complaint

- A link within the site leads to a page, and to a place on it, that is there.
- No page, style or script loads anything from elsewhere; links to elsewhere are free.
- Every public header that declares something has its page.
"""

import html.parser
import pathlib
import re
import sys
import urllib.parse

LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
FOREIGN = re.compile(r"(?:https?:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^'\")]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)")
IN_SCRIPT = re.compile(r"""(?:import\s*\(|importScripts\(|fetch\(|\.src\s*=)\s*['"]((?:https?:)?//[^'"]+)""")


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.places, self.links, self.foreign = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.places |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        loaded = given.get(LOADED.get(tag))
        # Names of namespaces and of licences are no loads.
        if loaded and FOREIGN.match(loaded) and given.get("rel") not in ("license", "canonical"):
            self.foreign.append(loaded)
        elif loaded and not loaded.startswith("data:"):
            self.links.append(loaded)
        self.foreign += ["".join(found) for found in IN_STYLE.findall(given.get("style") or "")]


def complaints_of(folder, source):
    pages = {path: Page(path.read_text()) for path in sorted(folder.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(folder)
        for address in page.foreign:
            yield f"{name}: loads {address}"
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            place = urllib.parse.unquote(parts.fragment)
            if not target.is_file():
                yield f"{name}: leads to {link}, which does not exist"
            elif place and target in pages and place not in pages[target].places:
                yield f"{name}: leads to {link}, where there is no such place"
    for pattern, suffix in ((IN_STYLE, "css"), (IN_SCRIPT, "js")):
        for path in sorted(folder.rglob(f"*.{suffix}")):
            for found in pattern.findall(path.read_text(errors="replace")):
                yield f"{path.relative_to(folder)}: loads {''.join(found)}"
    for page in sorted(source.glob("reference/**/*.md")):
        built = folder / page.relative_to(source).with_suffix(".html")
        if built not in pages or "sig-name" not in built.read_text() and page.parent != source / "reference":
            yield f"{page.relative_to(source)}: says nothing"


def main():
    folder, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    complaints = list(complaints_of(folder, source))
    print("\n".join(complaints) or f"{len(list(folder.rglob('*.html')))} built pages, nothing to complain about")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
