#!/usr/bin/env bash
# Fuzzes every reader, with AddressSanitizer and UndefinedBehaviorSanitizer: first the corpora in the tree, then new
# inputs for so many seconds per target. Needs Clang.
#   usage: scripts/fuzz.sh SECONDS [TARGET...]      for example: scripts/fuzz.sh 30; scripts/fuzz.sh 3600 pickle
# What is new stays in build/fuzz/corpus; an input that fails in build/fuzz/found: mend what it finds, and keep it in
# tests/fuzz/corpus/TARGET. NORMA_BUILD_DIR is a build with NORMA_FUZZ=ON to take; the default is build/fuzz, of the preset fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

seconds=${1:?the seconds per target}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(safetensors torch pickle csv idx cifar history)

install_missing library tests clang
export build=${NORMA_BUILD_DIR:-build/fuzz}
if [ ! -f "$build/CMakeCache.txt" ]; then cmake --preset fuzz -B "$build"; fi
cmake --build "$build" --parallel "$(nproc)" --target norma_fuzz
if ! clang_sanitizes leaks; then export ASAN_OPTIONS=detect_leaks=0; fi
export LLVM_PROFILE_FILE=/dev/null  # of a build that counts lines, too

# fuzz TARGET SECONDS: one target; its output only where it fails.
fuzz() {
  local target=$1 seconds=$2 work=build/fuzz/corpus/$1 log=build/fuzz/$1.log
  local seeds=(tests/fuzz/corpus/"$target")
  [ "$target" = torch ] && seeds+=(tests/io/torch_files)
  mkdir -p "$work" build/fuzz/found
  local options=(-artifact_prefix=build/fuzz/found/"$target"- -timeout=20 -rss_limit_mb=2048 -print_final_stats=1)
  if ! "$build"/tests/fuzz/fuzz_"$target" "${options[@]}" -runs=0 "${seeds[@]}" >"$log" 2>&1; then
    tail -60 "$log"
    echo "$target: the corpus fails"
    return 1
  fi
  [ "$seconds" -gt 0 ] || { echo "$target: the corpus passes"; return 0; }
  if ! "$build"/tests/fuzz/fuzz_"$target" "${options[@]}" -max_total_time="$seconds" \
    -dict=tests/fuzz/dictionaries/"$target".dict "$work" "${seeds[@]}" >"$log" 2>&1; then
    tail -60 "$log"
    echo "$target: found something, see build/fuzz/found"
    return 1
  fi
  echo "$target: nothing found in $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
}
export -f fuzz

printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I TARGET bash -euo pipefail -c 'fuzz TARGET "$0"' "$seconds"
