#!/usr/bin/env bash
# Runs the experiments on all processors and writes docs/experiments.md with its pictures.
#   usage: scripts/experiments.sh [number ...] [--seeds N] [--data DIR]
# With numbers, only these are run. --data is a folder with mnist/ and cifar10/, instead of digits that Norma draws.
# The page is of all, on what Norma draws, with five seeds: with anything else, pictures and sections are left in
# build/experiments/results.
set -euo pipefail
from=$PWD
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

numbers=()
options=()
while [ $# -gt 0 ]; do
  case $1 in
    [0-9] | [0-9][0-9]) numbers+=("$(printf '%02d' "$((10#$1))")") ;;
    --seeds | --data)
      [ $# -ge 2 ] || { echo "experiments.sh: $1 needs a value" >&2; exit 2; }
      if [ "$1" = --data ]; then options+=("$1" "$(cd "$from" && realpath "$2")"); else options+=("$1" "$2"); fi
      shift
      ;;
    *)
      sed -n '2,6s/^# \?//p' scripts/experiments.sh
      [ "$1" = --help ] && exit 0
      exit 2
      ;;
  esac
  shift
done

for number in "${numbers[@]}"; do
  compgen -G "experiments/${number}_*.cpp" >/dev/null || { echo "experiments.sh: there is no experiment $number" >&2; exit 2; }
done

install_missing library examples experiments
build=build/experiments
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DNORMA_BUILD_TESTS=OFF -DNORMA_BUILD_EXAMPLES=OFF -DNORMA_BUILD_BENCH=OFF \
  -DNORMA_BUILD_PLOT=ON -DNORMA_BUILD_EXPERIMENTS=ON -DNORMA_UNITY=ON >/dev/null
cmake --build "$build" --parallel "$(nproc)"

programs=()
for source in experiments/[0-9][0-9]_*.cpp; do
  name=$(basename "$source" .cpp)
  if [ ${#numbers[@]} -eq 0 ] || [[ " ${numbers[*]} " == *" ${name%%_*} "* ]]; then programs+=("$name"); fi
done

out=$build/results
rm -rf "$out"
mkdir -p "$out"
start=$SECONDS
# One thread each, as many at once as there are processors. A claim that does not hold ends its program with 1, an error with 2.
run() {
  local status=0
  NORMA_NUM_THREADS=1 "$build/experiments/$1" --out "$out" "${@:2}" >"$out/$1.txt" 2>&1 || status=$?
  cat "$out/$1.txt"
  echo
  [ "$status" -le 1 ] || touch "$out/failed"
}
export -f run
export build out
printf '%s\0' "${programs[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'run "$@"' run {} "${options[@]}"
echo "${#programs[@]} experiments in $((SECONDS - start)) s"
[ ! -e "$out/failed" ] || { echo "experiments.sh: not every one came to its end" >&2; exit 1; }

if [ ${#numbers[@]} -eq 0 ] && [ ${#options[@]} -eq 0 ]; then
  mkdir -p docs/images/experiments
  cp "$out"/*.svg docs/images/experiments/
  {
    cat experiments/page.md
    printf '\n| | | on these data |\n|---|---|---|\n'
    for name in "${programs[@]}"; do
      held=held
      if grep -q '^- \*\*Did not hold' "$out/$name.md"; then held='**did not hold**, or not all of it'; fi
      sed -n "1s/^## \\([0-9]*\\)\\. \\(.*\\)/| \\1 | \\2 | $held |/p" "$out/$name.md"
    done
    for name in "${programs[@]}"; do
      echo
      cat "$out/$name.md"
    done
  } >docs/experiments.md
  echo "docs/experiments.md"
fi
