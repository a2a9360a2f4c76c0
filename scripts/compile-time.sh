#!/usr/bin/env bash
# Measures how long a one-file program that trains an MLP takes to compile, at -O2: the best of three.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$PWD" "$scratch/norma"

best=
for _ in 1 2 3; do
  start=$(date +%s%N)
  "${CXX:-g++}" -std=c++20 -O2 -I"$scratch" -c tests/consumers/train_mlp.cpp -o "$scratch/mlp.o"
  milliseconds=$((($(date +%s%N) - start) / 1000000))
  if [ -z "$best" ] || [ "$milliseconds" -lt "$best" ]; then best=$milliseconds; fi
done
printf 'tests/consumers/train_mlp.cpp: %d.%02d s\n' $((best / 1000)) $((best % 1000 / 10))
