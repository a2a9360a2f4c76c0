# Which sources serve the system that is built for: one folder of core/platform/, and alternatives for what an option
# leaves out.

if(WIN32)
  set(norma_platform windows)
elseif(UNIX AND NOT EMSCRIPTEN)
  set(norma_platform posix)
else()
  set(norma_platform bare)  # knows no system: WebAssembly, and what CMake calls Generic
endif()
# Whether the linker makes ELF files, and knows their options.
set(norma_elf FALSE)
if(norma_platform STREQUAL "posix" AND NOT APPLE)
  set(norma_elf TRUE)
endif()
if(norma_platform STREQUAL "bare" AND (NORMA_THREADS OR NORMA_IO))
  message(FATAL_ERROR "Norma knows neither threads nor files of the system ${CMAKE_SYSTEM_NAME}: "
    "configure with -DNORMA_THREADS=OFF -DNORMA_IO=OFF")
endif()
if(CMAKE_SIZEOF_VOID_P AND CMAKE_SIZEOF_VOID_P LESS 8 AND NOT EMSCRIPTEN)
  message(FATAL_ERROR "Norma is built for 64-bit processors, and this compiler builds for a 32-bit one: "
    "take a 64-bit compiler, or leave out -m32")
endif()

# Sources that are not built, as a regular expression on their paths within Norma.
set(norma_systems posix windows bare)
list(REMOVE_ITEM norma_systems ${norma_platform})
list(JOIN norma_systems "|" norma_systems)
set(norma_left_out "core/platform/(${norma_systems})/")
if(NORMA_THREADS)
  string(APPEND norma_left_out "|core/one_thread|data/batch_queue_one_thread")
else()
  string(APPEND norma_left_out "|core/threads[.]|data/batch_queue[.]")
endif()
if(NORMA_BLAS STREQUAL "none")
  string(APPEND norma_left_out "|core/kernels/blas/openblas")
else()
  string(APPEND norma_left_out "|core/kernels/blas/none")
endif()
# Without files: no reader or writer of one, in memory neither, and no checks of modules, which save and load them.
if(NOT NORMA_IO)
  string(APPEND norma_left_out "|io/|data/(cifar|csv|data_folder|file_reader|idx)|testing/|core/platform/[a-z]*/files")
endif()
set(norma_left_out "^(${norma_left_out})")
