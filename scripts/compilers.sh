#!/usr/bin/env bash
# Builds Norma with other compilers, standard libraries, standards and versions of CMake, warnings as errors, and runs a slice
# of the tests.
#   usage: scripts/compilers.sh [name …]          without a name: clang-19-libc++, which CI runs
#          scripts/compilers.sh all               each of: gcc-12-c++23 clang-14 clang-16 clang-19 clang-19-libc++ cmake-3.22 cmake-newest
# Newer systems than this one, with their GCC, CMake and Catch2: scripts/on-debian.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

all=(gcc-12-c++23 clang-14 clang-16 clang-19 clang-19-libc++ cmake-3.22 cmake-newest)
names=("$@")
[ $# -gt 0 ] || names=(clang-19-libc++)
[ "${names[0]}" != all ] || names=("${all[@]}")

for name in "${names[@]}"; do
  cmake=cmake flags='' standard=20 compiler=g++
  case $name in
    gcc-12-c++23) compiler=g++-12 standard=23 ;;
    clang-14 | clang-16) compiler=clang++-${name#clang-} ;;
    clang-19) compiler=clang++-19 standard=23 ;;
    clang-19-libc++) compiler=clang++-19 flags=-stdlib=libc++ ;;
    cmake-3.22 | cmake-newest)
      version=${name#cmake-}
      if [ "$version" = newest ]; then wanted=cmake; else wanted="cmake==$version.*"; fi
      install_missing venv
      python3 -m venv "build/$name-python"
      "build/$name-python/bin/pip" install -q "$wanted"
      cmake=build/$name-python/bin/cmake
      ;;
    *)
      echo "expected all, or some of: ${all[*]}; got $name" >&2
      exit 2
      ;;
  esac
  install_missing library tests
  case $compiler in clang*) have "$compiler" || apt install -y -qq --no-install-recommends "${compiler/++/}" ;; esac
  if [ -n "$flags" ] && [ ! -d /usr/lib/llvm-19/include/c++ ]; then
    apt install -y -qq --no-install-recommends libc++-19-dev libc++abi-19-dev
  fi
  folder=build/compilers/$name
  mkdir -p build/compilers
  printf '\n--- %s\n' "$name: $("$compiler" --version | head -1), $("$cmake" --version | head -1), C++$standard $flags"
  {
    "$cmake" -S . -B "$folder" -DCMAKE_CXX_COMPILER="$(command -v "$compiler")" -DCMAKE_CXX_FLAGS="$flags" \
      -DCMAKE_CXX_STANDARD=$standard -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DNORMA_UNITY=ON -DNORMA_WERROR=ON \
      -DNORMA_BUILD_TESTS=ON -DNORMA_BUILD_EXAMPLES=OFF -DNORMA_BUILD_BENCH=OFF -DNORMA_BUILD_EXERCISES=OFF
    "$cmake" --build "$folder" --target norma_slice --parallel "$(nproc)"
  } >"$folder.log" 2>&1 || {
    tail -50 "$folder.log"
    exit 1
  }
  (cd "$folder" && ctest -L slice --output-on-failure --no-tests=error --parallel "$(nproc)" | tail -3)
done
