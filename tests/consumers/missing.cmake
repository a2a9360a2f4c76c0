# Configures Norma where something is missing: the error has to name the package that brings it.
#   cmake -D CHECKOUT=… -D SCRATCH=… -D COMPILER=… -P missing.cmake
function(expect package)
  file(REMOVE_RECURSE ${SCRATCH})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${CHECKOUT} -B ${SCRATCH} -DCMAKE_CXX_COMPILER=${COMPILER} ${ARGN}
    RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE message)
  # CMake breaks the lines of a message.
  string(REGEX REPLACE "[ \n]+" " " message "${message}")
  string(FIND "${message}" "apt-get install ${package}" found)
  if(failed AND NOT found EQUAL -1)
    message(STATUS "${package}: named")
  else()
    message(SEND_ERROR "${package}: not named by [${message}]")
  endif()
endfunction()

expect(libopenblas-dev -DCMAKE_FIND_ROOT_PATH=${SCRATCH} -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY)
expect(zlib1g-dev -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON)
expect(nlohmann-json3-dev -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
expect(catch2 -DCMAKE_DISABLE_FIND_PACKAGE_Catch2=ON)
expect(libcli11-dev -DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON)
