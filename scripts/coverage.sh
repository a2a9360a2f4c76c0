#!/usr/bin/env bash
# Which lines of the library the tests run: builds the preset asan with counters, runs its tests, prints the least covered files
# and the whole. Fails below NORMA_COVERAGE_LEAST percent of the lines (default 95).
#   usage: scripts/coverage.sh                     everything
#          scripts/coverage.sh --report            only the report, of the tests that ran last
#          scripts/coverage.sh --lines FILE ...    the lines of these that no test ran
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

build=build/asan
profiles=$build/profiles
if [ $# -eq 0 ]; then
  rm -rf "$profiles"
  CXX=clang++ NORMA_PRESET=asan NORMA_CMAKE_OPTIONS=-DNORMA_COVERAGE=ON scripts/test.sh
fi
install_missing coverage
"$(llvm_tool llvm-profdata)" merge -sparse "$profiles"/*.profraw -o "$profiles/all.profdata"
cov=("$(llvm_tool llvm-cov)")
given=("$build/libnorma.so" -instr-profile="$profiles/all.profdata")
if [ "${1:-}" = --lines ]; then
  shift
  for file in "$@"; do
    echo "$file:"
    "${cov[@]}" show "${given[@]}" "$PWD/$file" | grep -E '^ +[0-9]+\| +0\|' || echo "  all lines run"
  done
  exit
fi

# Columns of llvm-cov's report: file, regions, missed, %, functions, missed, %, lines, missed, %, …
report=$("${cov[@]}" report "${given[@]}" | grep -E '^[^ -].*%')
awk '$1 ~ /\./ { sub("%", "", $10); print $10, $9, $1 }' <<<"$report" | sed -E 's#(\.\./)+|(build/[a-z]+/)?include/norma/##' |
  sort -k1,1n -k2,2nr | awk 'NR <= 15 { printf "%7.2f %%  %4d lines without a test  %s\n", $1, $2, $3 }'
percent=$(awk '$1 == "TOTAL" { sub("%", "", $10); print $10 }' <<<"$report")
least=${NORMA_COVERAGE_LEAST:-95}
echo "line coverage of the library: $percent % (at least $least %)"
awk -v percent="$percent" -v least="$least" 'BEGIN { exit !(percent >= least) }'
