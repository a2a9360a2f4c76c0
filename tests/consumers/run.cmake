# Builds and runs one consumer, in a scratch folder:
#   cmake -D KIND=… -D CHECKOUT=… -D BUILD=… -D SCRATCH=… -D COMPILER=… -P run.cmake
file(REMOVE_RECURSE ${SCRATCH})
set(here ${CMAKE_CURRENT_LIST_DIR})
set(options -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The package is moved after its installation: it may not remember where it was.
function(install_and_move build)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --prefix ${SCRATCH}/first
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(RENAME ${SCRATCH}/first ${SCRATCH}/moved)
  file(GLOB_RECURSE package ${SCRATCH}/moved/*.cmake ${SCRATCH}/moved/*.pc)
  foreach(file IN LISTS package)
    file(READ ${file} text)
    string(REGEX MATCH "(^|[\" ;=(\n]|-[LI])/[A-Za-z][^\" ;)]*" path "${text}")
    if(path)
      message(FATAL_ERROR "the package names a path of this machine: ${path} in ${file}")
    endif()
  endforeach()
endfunction()

function(find_moved pattern result)
  file(GLOB_RECURSE found ${SCRATCH}/moved/${pattern})
  if(NOT found)
    message(FATAL_ERROR "the package has no ${pattern}")
  endif()
  list(GET found 0 found)
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# The project with the Makefile, where the package lies.
function(run_makefile)
  find_moved(norma.pc pc)
  get_filename_component(pc_dir ${pc} DIRECTORY)
  set(ENV{PKG_CONFIG_PATH} ${pc_dir})
  file(MAKE_DIRECTORY ${SCRATCH}/make)
  set(ENV{CXXFLAGS} "-Wall -Werror")
  run(make -C ${SCRATCH}/make -f ${here}/makefile/Makefile SOURCES=${here} CXX=${COMPILER} consumer)
  get_filename_component(lib_dir ${pc_dir} DIRECTORY)
  set(ENV{LD_LIBRARY_PATH} ${lib_dir})
  run(${SCRATCH}/make/consumer)
endfunction()

if(KIND STREQUAL "installed")
  install_and_move(${BUILD})
  run(${CMAKE_COMMAND} -S ${here}/installed -B ${SCRATCH}/build ${options}
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH=${SCRATCH}/moved)
  run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
  run(${SCRATCH}/build/consumer)
  run_makefile()
  # Neither: the README's command.
  find_moved(libnorma.* library)
  if(library MATCHES "\\.a$")
    run(${COMPILER} -std=c++20 -O2 -I${SCRATCH}/moved/include ${here}/train_mlp.cpp ${library} -lopenblas -lz -lpthread
      -o ${SCRATCH}/plain)
    run(${SCRATCH}/plain)
  endif()
elseif(KIND MATCHES "^(torch|tensorboard)$")
  install_and_move(${BUILD})
  run(${CMAKE_COMMAND} -S ${here}/${KIND} -B ${SCRATCH}/build ${options} -DCMAKE_BUILD_TYPE=Debug
    -DCMAKE_PREFIX_PATH=${SCRATCH}/moved)
  run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
  run(${SCRATCH}/build/consumer)
elseif(KIND STREQUAL "inside")
  # This builds all of Norma once more: quickly, with no optimisation.
  list(APPEND options -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DNORMA_CHECKOUT=${CHECKOUT}
    -DFETCHCONTENT_BASE_DIR=${SCRATCH}/build)
  find_program(ccache ccache)
  if(ccache)
    list(APPEND options -DCMAKE_CXX_COMPILER_LAUNCHER=${ccache})
    set(ENV{CCACHE_BASEDIR} ${SCRATCH})
    set(ENV{CCACHE_NOHASHDIR} 1)
  endif()
  # Both have Norma's objects in build/norma-build, so that one compilation serves both.
  foreach(fetch IN ITEMS OFF ON)
    run(${CMAKE_COMMAND} -S ${here}/inside -B ${SCRATCH}/build ${options} -DFETCH=${fetch})
    run(${CMAKE_COMMAND} --build ${SCRATCH}/build --parallel 2)
    run(${SCRATCH}/build/consumer)
    run(${SCRATCH}/build/crossing)
  endforeach()
  install_and_move(${SCRATCH}/build)
  run_makefile()
endif()
