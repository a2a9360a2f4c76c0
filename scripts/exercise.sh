#!/usr/bin/env bash
# The exercises of exercises/README.md.
#   usage: scripts/exercise.sh                 shows the next one, whose test does not pass yet, and what the test says
#          scripts/exercise.sh 4               compiles exercise 4 and runs its test
#          scripts/exercise.sh --solution 4    shows one way to do it
# An installed Norma is used where CMake finds one (CMAKE_PREFIX_PATH); otherwise the library is built once.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib-install.sh

folders=(exercises/[0-9][0-9]_*)
folder_of() {
  if ! [[ $1 =~ ^[0-9]{1,9}$ ]] || ((10#$1 < 1 || 10#$1 > ${#folders[@]})); then
    echo "expected the number of an exercise, 1 to ${#folders[@]}, got $1; exercises/README.md lists them" >&2
    exit 2
  fi
  echo "${folders[10#$1 - 1]}"
}
title() { sed -n 's/^# //p' "$1/README.md"; }

# Sets build, where to build, and programs, where the programs are then.
configure() {
  build=build/exercises programs=build/exercises
  local log=build/exercise.log
  mkdir -p build
  if have cmake && choose_compiler && cmake -S exercises -B $build >$log 2>&1; then return; fi
  rm -rf $build
  build=build/quick programs=build/quick/exercises
  if [ ! -f $build/libnorma.a ]; then
    echo "CMake finds no installed Norma: the library is built here, once, which takes some minutes."
    install_missing library
  fi
  cmake --preset quick -DNORMA_BUILD_EXAMPLES=OFF -DNORMA_BUILD_EXERCISES=ON >$log 2>&1 || { cat $log; return 2; }
  cmake --build $build --parallel "$(nproc)" --target norma >$log 2>&1 || { cat $log; return 2; }
}

# Compiles and runs one: 0 if its test passes, 1 if not.
run() {
  local target status=0 log=build/exercise.log
  target=exercise_$(basename "$1")
  if ! cmake --build $build --target "$target" >$log 2>&1; then
    grep -vE '^(\[|FAILED:|ninja:|g?make)|-std=' $log || cat $log  # what the compiler says
    echo "It does not compile yet. Begin with the first error: others may follow from it."
    return 1
  fi
  "$programs/$target" || status=$?
  if ((status > 128)); then
    echo "The program was ended by signal $((status - 128)): a crash, in the code that the test called last. A debugger shows where:"
    echo "    gdb -ex run -ex backtrace $programs/$target"
    return 1
  fi
  return $status
}

next() {
  local folder said
  for folder in "${folders[@]}"; do
    said=$(run "$folder") && continue
    echo "Next: $(title "$folder")"
    echo "  the page   $folder/README.md"
    echo "  to write   $(echo "$folder"/*.h)"
    echo "  its test says"
    echo
    echo "$said"
    return
  done
  echo "All ${#folders[@]} exercises pass."
}

case "${1:-} $#" in
  "-h 1" | "--help 1") sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' scripts/exercise.sh ;;
  "--solution 2")
    folder=$(folder_of "$2")
    cat "$folder"/solution/*.h
    ;;
  " 0")
    configure
    next
    ;;
  *" 1")
    folder=$(folder_of "$1")
    configure
    echo "$(title "$folder"), $folder/README.md"
    run "$folder"
    ;;
  *)
    echo "expected a number, --solution and a number, or nothing; scripts/exercise.sh --help says more" >&2
    exit 2
    ;;
esac
