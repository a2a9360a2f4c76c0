# s390x Linux, a big-endian machine, built with Debian's cross compiler and run under qemu: scripts/cross.sh s390x.
set(norma_machine s390x)
include(${CMAKE_CURRENT_LIST_DIR}/linux-cross.cmake)
