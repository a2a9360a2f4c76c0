# shellcheck shell=bash
# Sourced by the other scripts, for its one function and its choice of a compiler:
#
#   install_missing library tests examples experiments components runtimes docs venv clang tidy coverage style arm64 s390x playground
#
# installs the Debian or Ubuntu packages those parts of the work still need. Where nothing is missing,
# it needs neither root nor a network.

have() { command -v "$1" >/dev/null 2>&1; }

# The one of clang++'s version, under whichever name it is installed.
llvm_tool() {
  local version
  version=$(clang++ -dumpversion 2>/dev/null | cut -d. -f1)
  if have "$1-$version"; then echo "$1-$version"; else echo "$1"; fi
}

have_header() {
  local dir header
  for dir in /usr/include /usr/include/*-linux-gnu /usr/local/include; do
    for header in "$@"; do
      compgen -G "$dir/$header" >/dev/null && return 0
    done
  done
  return 1
}

# Exports CXX, unless the caller has set it: the first GCC of at least version 12.
choose_compiler() {
  [ -n "${CXX:-}" ] && return 0
  local gcc
  for gcc in g++ g++-12 g++-13 g++-14; do
    if have "$gcc" && [ "$("$gcc" -dumpversion | cut -d. -f1)" -ge 12 ]; then
      export CXX=$gcc
      return 0
    fi
  done
  return 1
}

missing_packages() {
  local part
  for part in "$@"; do
    case $part in
      library)
        have cmake || echo cmake
        have make || echo make
        choose_compiler || echo g++
        have_header openblas_config.h 'openblas*/openblas_config.h' || echo libopenblas-dev
        have_header nlohmann/json.hpp || echo nlohmann-json3-dev
        have_header zlib.h || echo zlib1g-dev
        ;;
      tests)
        have_header catch2/catch.hpp catch2/catch_all.hpp || echo catch2
        have_header gmock/gmock.h || echo libgmock-dev
        have_header stb/stb_image.h || echo libstb-dev
        have python3 || echo python3
        have pkg-config || echo pkg-config
        have dot || echo graphviz
        ;;
      components)
        have protoc || echo protobuf-compiler
        have_header google/protobuf/message_lite.h || echo libprotobuf-dev
        have_header png.h || echo libpng-dev
        have_header onnx/onnx-ml.pb.h || echo libonnx-dev
        have gnuplot || echo gnuplot-nox
        have_header 'openmpi/include/mpi.h' mpi.h || echo libopenmpi-dev
        have mpirun || echo openmpi-bin
        ;;
      runtimes) /usr/bin/python3 -c "import cv2" 2>/dev/null || echo python3-opencv ;;
      windows)
        have x86_64-w64-mingw32-g++-posix || echo g++-mingw-w64-x86-64-posix
        [ -e /usr/x86_64-w64-mingw32/lib/libz.a ] || echo libz-mingw-w64-dev
        have wine64 || [ -x /usr/lib/wine/wine64 ] || echo wine64
        ;;
      docs) have doxygen || echo doxygen ;;
      venv) python3 -c "import ensurepip" 2>/dev/null || echo python3-venv ;;
      examples) have_header CLI/CLI.hpp || echo libcli11-dev ;;
      experiments) have gnuplot || echo gnuplot-nox ;;
      clang) have clang++ || echo clang ;;
      tidy)
        have clang++ || echo clang
        have clang-tidy || echo clang-tidy
        ;;
      coverage)
        have clang++ || echo clang
        have "$(llvm_tool llvm-cov)" || echo llvm
        ;;
      arm64)
        have aarch64-linux-gnu-g++ || echo g++-aarch64-linux-gnu
        have qemu-aarch64 || echo qemu-user
        ;;
      s390x)
        have s390x-linux-gnu-g++ || echo g++-s390x-linux-gnu
        have qemu-s390x || echo qemu-user
        ;;
      playground)
        have em++ || echo emscripten
        have chromium || echo chromium
        have chromedriver || echo chromium-driver
        ;;
      style) have clang-format-14 || echo clang-format-14 ;;
    esac
  done
}

as_root() {
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! have sudo; then
      echo "Neither root nor sudo is at hand. As root, type: $*" >&2
      return 1
    fi
    sudo=(sudo)
  fi
  "${sudo[@]}" "$@"
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }

install_missing() {
  local packages
  mapfile -t packages < <(missing_packages "$@")
  if [ ${#packages[@]} -gt 0 ]; then
    echo "Missing, to be installed: ${packages[*]}"
    if ! have apt-get; then
      echo "There is no apt-get here: install them (Debian's names) and try again." >&2
      return 1
    fi
    apt update -qq
    # The plain g++ of an older release may be too old, with a newer one beside it.
    if [[ " ${packages[*]} " == *" g++ "* ]] && apt_version_below g++ 12; then
      packages=("${packages[@]/#g++/g++-12}")
      echo "The default g++ is older than 12: taking g++-12"
    fi
    apt install -y -qq --no-install-recommends "${packages[@]}"
  fi
  if ! choose_compiler; then
    echo "No GCC of version 12 or newer was found; set CXX to a compiler." >&2
    return 1
  fi
}

# Whether clang++ can build a program with its sanitizers; `clang_sanitizes leaks`: whether such a
# program can look for leaks when it ends.
clang_sanitizes() {
  local program
  program=$(mktemp)
  echo 'int main() {}' | clang++ -fsanitize=address,undefined -x c++ - -o "$program" 2>/dev/null &&
    ASAN_OPTIONS=detect_leaks=$([ "${1:-}" = leaks ] && echo 1 || echo 0) "$program" 2>/dev/null
  local result=$?
  rm -f "$program"
  return $result
}

# Whether the version of a package that apt would install lies below a major version.
apt_version_below() {
  local version
  version=$(apt-cache policy "$1" | sed -n 's/^ *Candidate: \([0-9]*:\)\{0,1\}\([0-9]*\).*/\2/p')
  [ -n "$version" ] && [ "$version" -lt "$2" ]
}
