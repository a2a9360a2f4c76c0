# `cmake --install`: a relocatable package for find_package(norma CONFIG).
include(CMakePackageConfigHelpers)
set(norma_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/norma)

install(TARGETS norma EXPORT norma-targets)
install(EXPORT norma-targets NAMESPACE norma:: DESTINATION ${norma_package_dir})

# The public headers are norma.h, those for tests, and all that they include, directly or not. The others, kernels and
# helpers, are for Norma's own sources.
set(public_headers norma.h)
if(NORMA_IO)
  list(APPEND public_headers testing.h testing/catch2.h testing/gtest.h)
endif()
set(unread ${public_headers})
while(unread)
  list(POP_FRONT unread header)
  file(STRINGS ${header} includes REGEX "^#(include \"norma/.*\"|ifndef NORMA_WITHOUT_IO|endif)")
  if(NOT NORMA_IO)
    list(JOIN includes "\n" includes)
    string(REGEX REPLACE "#ifndef NORMA_WITHOUT_IO[^#]*(#include[^#]*)*#endif" "" includes "${includes}")
    string(REPLACE "\n" ";" includes "${includes}")
  endif()
  list(FILTER includes INCLUDE REGEX "^#include")
  list(TRANSFORM includes REPLACE "^#include \"norma/(.*)\".*" "\\1")
  list(REMOVE_ITEM includes ${public_headers})
  list(APPEND public_headers ${includes})
  list(APPEND unread ${includes})
endwhile()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${public_headers})
foreach(header IN LISTS public_headers)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/norma/${folder})
endforeach()

get_target_property(norma_library_type norma TYPE)
file(GLOB norma_components RELATIVE ${PROJECT_SOURCE_DIR}/components ${PROJECT_SOURCE_DIR}/components/*)
configure_package_config_file(cmake/norma-config.cmake.in norma-config.cmake
  INSTALL_DESTINATION ${norma_package_dir}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(norma-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/norma-config.cmake
  ${PROJECT_BINARY_DIR}/norma-config-version.cmake
  cmake/norma-openblas.cmake
  DESTINATION ${norma_package_dir})

# For pkg-config. Its paths are relative to itself, so that the package may be moved.
set(norma_pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(norma_pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  string(REGEX REPLACE "[^/]+" ".." norma_pc_prefix "${norma_pc_dir}")
  set(norma_pc_prefix "\${pcfiledir}/${norma_pc_prefix}")
endif()
foreach(dir IN ITEMS LIBDIR INCLUDEDIR)
  set(norma_pc_${dir} ${CMAKE_INSTALL_${dir}})
  if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(norma_pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
# A static Norma is linked together with the libraries it uses; a shared one brings them along.
set(norma_pc_libs "")
if(norma_library_type STREQUAL "STATIC_LIBRARY")
  find_library(norma_plain_openblas openblas NO_CACHE)  # where every linker looks
  if(NOT norma_plain_openblas)
    get_filename_component(norma_openblas_dir ${NORMA_OPENBLAS_LIBRARY} DIRECTORY)
    set(norma_pc_libs " -L${norma_openblas_dir}")
  endif()
  string(APPEND norma_pc_libs " -lopenblas")
  if(NORMA_IO)
    string(APPEND norma_pc_libs " -lz")
  endif()
  if(NORMA_THREADS)
    string(APPEND norma_pc_libs " -pthread")
  endif()
endif()
set(norma_pc_flags "")
if(NOT NORMA_IO)
  set(norma_pc_flags " -DNORMA_WITHOUT_IO")
endif()
configure_file(cmake/norma.pc.in norma.pc.in @ONLY)
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/pkgconfig/$<CONFIG>/norma.pc INPUT ${PROJECT_BINARY_DIR}/norma.pc.in)
install(FILES ${PROJECT_BINARY_DIR}/pkgconfig/$<CONFIG>/norma.pc DESTINATION ${norma_pc_dir})

if(PROJECT_IS_TOP_LEVEL)
  include(cmake/package.cmake)
endif()
