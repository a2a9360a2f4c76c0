# What Norma is built from. A missing piece is named together with the package that brings it.

# norma_require(package target debian_package [version])
function(norma_require package target debian_package)
  if(TARGET ${target})
    return()
  endif()
  find_package(${package} ${ARGN} QUIET)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "Norma needs ${package} ${ARGN}, which was not found. "
      "On Debian or Ubuntu: apt-get install ${debian_package}")
  endif()
  # Known to the project around Norma as well, which links with it.
  set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/norma-openblas.cmake)
if(NOT TARGET norma::openblas)
  message(FATAL_ERROR "${norma_openblas_message}")
endif()
if(NORMA_IO)
  norma_require(ZLIB ZLIB::ZLIB zlib1g-dev)
  norma_require(nlohmann_json nlohmann_json::nlohmann_json nlohmann-json3-dev 3)
endif()
if(NORMA_THREADS)
  norma_require(Threads Threads::Threads libc6-dev)
endif()
