"""Makes one file of the playground: page, style, scripts and the WebAssembly module, which is compressed.

usage: build_page.py PAGE_FOLDER MODULE.js OUT.html      MODULE.wasm lies beside MODULE.js

The page may run the scripts that are in it and nothing else, and ask for nothing: its policy names their digests.
"""

import base64
import gzip
import hashlib
import pathlib
import sys

SCRIPTS = ("state.js", "draw.js", "charts.js", "points.js", "mistakes.js", "main.js")


def digest(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def main():
    folder, module, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    style = (folder / "style.css").read_text()
    script = "\n".join([module.read_text(), *((folder / name).read_text() for name in SCRIPTS)])
    if "</script" in script or "</style" in style:
        sys.exit("build_page.py: a script or style ends too early")
    wasm = base64.b64encode(gzip.compress(module.with_suffix(".wasm").read_bytes(), 9, mtime=0)).decode()
    policy = f"default-src 'none'; script-src {digest(script)} 'wasm-unsafe-eval'; style-src {digest(style)}; base-uri 'none'"
    page = (folder / "index.html").read_text()
    for name, text in (("@policy@", policy), ("@style@", style), ("@wasm@", wasm), ("@script@", script)):
        if page.count(name) != 1:
            sys.exit(f"build_page.py: expected {name} once in index.html")
        page = page.replace(name, text)
    out.write_text(page)
    size = len(gzip.compress(page.encode(), 9))
    print(f"{out.name}: {len(page.encode())} bytes, {size} compressed")


if __name__ == "__main__":
    main()
