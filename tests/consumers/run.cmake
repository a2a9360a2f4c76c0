# Builds and runs one consumer, in a scratch folder:
#   cmake -D KIND=… -D CHECKOUT=… -D BUILD=… -D SCRATCH=… -D COMPILER=… -P run.cmake
file(REMOVE_RECURSE ${SCRATCH})
set(options -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")

if(KIND STREQUAL "installed")
  # The package is moved after its installation: it may not remember where it was.
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/first
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(RENAME ${SCRATCH}/first ${SCRATCH}/moved)
  file(GLOB_RECURSE package ${SCRATCH}/moved/*.cmake)
  foreach(file IN LISTS package)
    file(READ ${file} text)
    string(REGEX MATCH "[\" ;=(]/[A-Za-z][^\" ;)]*" path "${text}")
    if(path)
      message(FATAL_ERROR "the package names a path of this machine: ${path} in ${file}")
    endif()
  endforeach()
  list(APPEND options -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH=${SCRATCH}/moved)
else()
  # These build all of Norma once more: quickly, with no optimisation.
  list(APPEND options -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0
    -DNORMA_CHECKOUT=${CHECKOUT} -DFETCHCONTENT_BASE_DIR=${SCRATCH}/build)
  find_program(ccache ccache)
  if(ccache)
    # Both call the folder norma-build, so that one build serves the other.
    list(APPEND options -DCMAKE_CXX_COMPILER_LAUNCHER=${ccache})
    set(ENV{CCACHE_BASEDIR} ${SCRATCH})
    set(ENV{CCACHE_NOHASHDIR} 1)
  endif()
endif()

execute_process(
  COMMAND ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${KIND} -B ${SCRATCH}/build ${options}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${SCRATCH}/build --parallel 2
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${SCRATCH}/build/consumer COMMAND_ERROR_IS_FATAL ANY)
