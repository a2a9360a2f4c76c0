# For Windows on Debian: cmake --toolchain cmake/mingw.cmake, with g++-mingw-w64-x86-64-posix. What is built is linked
# statically, so that a program runs by itself; a shared Norma needs the compiler's DLLs beside it, as does what uses it.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
if(NOT BUILD_SHARED_LIBS)
  set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
endif()

set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)

# Tests run under Wine, where there is one.
find_program(NORMA_WINE NAMES wine64 wine PATHS /usr/lib/wine)
mark_as_advanced(NORMA_WINE)
if(NORMA_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${NORMA_WINE})
endif()
