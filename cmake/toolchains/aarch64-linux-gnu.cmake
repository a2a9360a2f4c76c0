# arm64 Linux, built with Debian's cross compiler and run under qemu: scripts/cross.sh arm64.
set(norma_machine aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/linux-cross.cmake)
