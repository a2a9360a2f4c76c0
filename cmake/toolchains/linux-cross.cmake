# What the toolchain files of Debian's cross compilers have in common; ${norma_machine} is the processor.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${norma_machine})
set(norma_triple ${norma_machine}-linux-gnu)
set(CMAKE_CXX_COMPILER ${norma_triple}-g++)
# Headers, packages and programs are shared with this machine, libraries of its own processor are not. Those of the other
# one are packages that apt installed, or that scripts/cross.sh unpacked: NORMA_CROSS_ROOT.
set(CMAKE_LIBRARY_ARCHITECTURE ${norma_triple})
set(norma_here ${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu)
set(CMAKE_IGNORE_PATH /usr/lib/${norma_here} /usr/lib/${norma_here}/cmake /usr/include/${norma_here})
set(norma_libraries /usr/lib/${norma_triple})
if(DEFINED ENV{NORMA_CROSS_ROOT})
  set(CMAKE_PREFIX_PATH $ENV{NORMA_CROSS_ROOT}/usr)
  set(norma_libraries $ENV{NORMA_CROSS_ROOT}/usr/lib/${norma_triple})
endif()
set(norma_blas_libraries ${norma_libraries}/openblas-pthread)
set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,-rpath-link,${norma_libraries})
# The C library is the cross compiler's.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${norma_machine} -L /usr/${norma_triple}
  -E LD_LIBRARY_PATH=/usr/${norma_triple}/lib:${norma_libraries}:${norma_blas_libraries})
