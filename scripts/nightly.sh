#!/usr/bin/env bash
# What takes too long for .ci/run: hours of fuzzing, the whole static analysis, many rounds of
# the tests of threads, other compilers and processors, fresh systems.
#   usage: scripts/nightly.sh [seconds per fuzz target, default 3600]
# Each part is run though one before it failed; the last lines say which did. Fresh systems need root and debootstrap.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-3600}
failed=()
part() {
  printf '\n=== %s\n' "$*"
  "$@" || failed+=("$*")
}

part scripts/fuzz.sh "$seconds"
part env NORMA_TIDY_NODES=225000 scripts/tidy.sh
part env CXX=clang++ NORMA_PRESET=tsan scripts/test.sh --repeat until-fail:20
part scripts/compilers.sh all
part scripts/small-builds.sh --all
part scripts/cross.sh arm64 --all
part scripts/cross.sh s390x --all
part scripts/windows.sh --all
for release in 12 13 testing ubuntu-22.04 ubuntu-24.04; do
  part scripts/on-debian.sh "$release"
done

if [ ${#failed[@]} -gt 0 ]; then
  printf '\nfailed:\n'
  printf '  %s\n' "${failed[@]}"
  exit 1
fi
printf '\nall passed\n'
