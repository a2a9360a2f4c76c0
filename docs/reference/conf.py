"""Sphinx' settings for scripts/docs.sh, which copies this file beside the pages that make_source.py writes."""

import pathlib
import re

here = pathlib.Path(__file__).parent
version_header = (here / "core/version.h").read_text()
numbers = re.findall(r"#define NORMA_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", version_header)

project = "Norma"
author = "Norma contributors"
copyright = "Norma contributors, MIT licence"
release = ".".join(numbers)

# An excerpt with "…" for lines left out is no whole C++.
suppress_warnings = ["misc.highlighting_failure"]
extensions = ["breathe", "myst_parser"]
include_patterns = ["index.md", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "docs/lessons/*.md", "reference/**.md"]
breathe_projects = {"norma": "../doxygen/xml"}
breathe_default_project = "norma"
breathe_show_include = False
breathe_default_members = ("members", "undoc-members", "protected-members")
myst_heading_anchors = 4
primary_domain = "cpp"
highlight_language = "text"
pygments_style = "default"
cpp_index_common_prefix = ["norma::", "norma::nn::", "norma::functional::", "norma::optim::", "norma::data::", "torch::"]
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"Norma {release}"
html_copy_source = False
html_show_sphinx = False


def light_navigation(app, pagename, templatename, context, doctree):
    """The sidebar shows titles alone: it is made without the thousands of names, page for page, that it leaves out."""
    if "toctree" not in context:
        return
    make = context["toctree"]

    def toctree(**options):
        whole = app.env.tocs
        app.env.tocs = titles_of(app)
        try:
            return make(**options)
        finally:
            app.env.tocs = whole

    context["toctree"] = toctree


def titles_of(app):
    from docutils import nodes
    from sphinx import addnodes

    if not hasattr(app, "norma_titles"):
        app.norma_titles = {}
        for page, toc in app.env.tocs.items():
            bare = toc.copy()
            for item in toc.children[:1]:
                kept = item.copy()
                kept += [child.deepcopy() for child in item.children if not isinstance(child, nodes.bullet_list)]
                trees = [child.deepcopy() for child in item.findall(addnodes.toctree)]
                kept += [nodes.bullet_list("", *trees)] if trees else []
                bare += kept
            app.norma_titles[page] = bare
    return app.norma_titles


def setup(app):
    app.connect("html-page-context", light_navigation, priority=100)
