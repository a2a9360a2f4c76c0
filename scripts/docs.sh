#!/usr/bin/env bash
# Builds the reference and the guides, as pages with a search: build/docs/html/index.html.
# Doxygen reads the headers, Sphinx with Breathe, MyST and Furo makes the pages. Fails at any warning, at a public
# name of which nothing is said, at a link that leads nowhere, and at a page that loads anything from elsewhere.
#   usage: scripts/docs.sh [--no-install | --install-only]      installs what is missing, then builds; or one of the two
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh
out=$PWD/build/docs

python=build/docs-python/bin/python3
if [ "${1:-}" != --no-install ]; then
  install_missing docs venv
  if ! "$python" -c 'import breathe, furo, myst_parser, sphinx' 2>/dev/null; then
    python3 -m venv build/docs-python
    "$python" -m pip install -q --disable-pip-version-check 'sphinx>=8,<10' 'breathe>=5,<6' 'furo>=2024' 'myst-parser>=4'
  fi
fi

if [ "${1:-}" = --install-only ]; then exit 0; fi

rm -rf "$out"
mkdir -p "$out"
python3 docs/reference/make_source.py . "$out"
(cd "$out" && doxygen "$OLDPWD/docs/reference/Doxyfile")
if [ -s "$out/doxygen.log" ]; then
  sed "s,^$out/headers/,," "$out/doxygen.log"
  echo "Doxygen complains"
  exit 1
fi
python3 docs/reference/make_source.py --examples "$out/doxygen/xml"
"$python" -m sphinx -q -W --keep-going -b html -d "$out/doctrees" "$out/source" "$out/html"
python3 docs/reference/check_html.py "$out/html" "$out/source"
echo "build/docs/html/index.html"
