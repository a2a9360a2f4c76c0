# Defines norma::openblas: libopenblas itself (any of Debian's builds: pthread, openmp, serial), never
# the generic libblas. Used by Norma's own build and by its installed package. Where OpenBLAS is not
# found, the target does not exist and norma_openblas_message says what to install.
if(NOT TARGET norma::openblas)
  set(_norma_variants openblas-pthread openblas-openmp openblas-serial openblas)
  find_library(NORMA_OPENBLAS_LIBRARY NAMES openblas PATH_SUFFIXES ${_norma_variants})
  # openblas_config.h stands beside OpenBLAS's own cblas.h; another BLAS may have one without
  # openblas_set_num_threads.
  find_path(NORMA_OPENBLAS_INCLUDE_DIR NAMES openblas_config.h PATH_SUFFIXES ${_norma_variants})
  mark_as_advanced(NORMA_OPENBLAS_LIBRARY NORMA_OPENBLAS_INCLUDE_DIR)
  unset(_norma_variants)

  if(NORMA_OPENBLAS_LIBRARY AND NORMA_OPENBLAS_INCLUDE_DIR)
    add_library(norma::openblas UNKNOWN IMPORTED GLOBAL)
    set_target_properties(norma::openblas PROPERTIES
      IMPORTED_LOCATION "${NORMA_OPENBLAS_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${NORMA_OPENBLAS_INCLUDE_DIR}")
  else()
    set(norma_openblas_message "Norma needs OpenBLAS, which was not found. \
On Debian or Ubuntu: apt-get install libopenblas-dev")
    if(APPLE)  # Accelerate has another interface
      set(norma_openblas_message "Norma needs OpenBLAS, which was not found; Accelerate does not stand in for it. \
With Homebrew: brew install openblas, then configure with -DCMAKE_PREFIX_PATH=$(brew --prefix openblas)")
    endif()
  endif()
endif()
