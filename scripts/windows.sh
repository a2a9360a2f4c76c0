#!/usr/bin/env bash
# Builds Norma as a DLL for Windows by MinGW-w64 with posix threads, and runs a slice of the tests with it under Wine.
#   usage: scripts/windows.sh [--all]        --all: every test that makes sense there, and the slice with a static library
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

install_missing library tests windows
build=$PWD/build/windows
mkdir -p "$build/packages/include"

# Headers that every processor shares, without the rest of their folder.
for header in nlohmann catch2; do ln -sfn "/usr/include/$header" "$build/packages/include/$header"; done
for package in nlohmann_json Catch2; do
  target=$package::$package
  cat >"$build/packages/${package,,}-config.cmake" <<END
add_library($target INTERFACE IMPORTED)
set_target_properties($target PROPERTIES INTERFACE_INCLUDE_DIRECTORIES $build/packages/include)
END
  echo 'set(PACKAGE_VERSION_COMPATIBLE TRUE)' >"$build/packages/${package,,}-config-version.cmake"
done

# A Windows of its own, without windows on a screen.
export WINEPREFIX=$build/wine WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" DISPLAY=
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
"$wine" wineboot --init >/dev/null 2>&1
compiler=$(dirname "$(x86_64-w64-mingw32-g++-posix -print-file-name=libstdc++-6.dll)")
export WINEPATH="$build/dll;$compiler;/usr/x86_64-w64-mingw32/lib"

configure() {
  cmake -S . -B "$1" --toolchain cmake/mingw.cmake -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" \
    -DNORMA_UNITY=ON -DNORMA_WERROR=ON -DNORMA_BLAS=none -Dnlohmann_json_DIR="$build/packages" -DCatch2_DIR="$build/packages" \
    -DZLIB_LIBRARY=/usr/x86_64-w64-mingw32/lib/libz.a \
    -DNORMA_BUILD_EXAMPLES=OFF -DNORMA_BUILD_EXERCISES=OFF -DNORMA_BUILD_BENCH=OFF "${@:2}"
}
check() {
  ctest --test-dir "$1" --output-on-failure --parallel "$(nproc)" "${@:2}"
}
configure "$build/dll" -DNORMA_BUILD_TESTS=ON -DBUILD_SHARED_LIBS=ON
if [ "${1:-}" = --all ]; then
  cmake --build "$build/dll" --parallel "$(nproc)"
  check "$build/dll"
  configure "$build/static" -DNORMA_BUILD_TESTS=ON
  cmake --build "$build/static" --parallel "$(nproc)" --target norma_slice
  check "$build/static" -L slice
else
  cmake --build "$build/dll" --parallel "$(nproc)" --target norma_slice
  check "$build/dll" -L slice
fi
