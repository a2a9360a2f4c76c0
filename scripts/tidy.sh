#!/usr/bin/env bash
# clang-tidy over the library's sources, with the checks of .clang-tidy; fails if one finds anything.
#   usage: scripts/tidy.sh [file ...]        the default is all sources of the library
# NORMA_TIDY_NODES is how many steps the static analyzer follows a function: 25000, a ninth of its own default, with which
# scripts/nightly.sh looks again.
# NORMA_BUILD_DIR is a configured build whose compile commands count; otherwise one is configured in build/tidy.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

install_missing library tidy
build=${NORMA_BUILD_DIR:-build/tidy}
if [ ! -f "$build/compile_commands.json" ]; then
  CXX=clang++ cmake -S . -B "$build" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -DNORMA_BUILD_TESTS=OFF -DNORMA_BUILD_EXAMPLES=OFF -DNORMA_BUILD_BENCH=OFF >/dev/null
fi
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files 'core/*.cpp' 'autograd/*.cpp' 'layers/*.cpp' 'optim/*.cpp' 'io/*.cpp' 'data/*.cpp' 'testing/*.cpp' \
    ':!core/platform/windows')  # another system's headers
fi
found=$(mktemp)
trap 'rm -f "$found"' EXIT
# On stderr it counts the warnings that it does not show.
status=0
analyzer=(--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang "--extra-arg=max-nodes=${NORMA_TIDY_NODES:-25000}")
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 2 clang-tidy -p "$build" --quiet "${analyzer[@]}" >"$found" 2>/dev/null || status=$?
cat "$found"
echo "clang-tidy: ${#files[@]} files, $(grep -cE '(warning|error): ' "$found" || true) findings"
exit $((status != 0))
