# `cmake --install`: a relocatable package for find_package(norma CONFIG).
include(CMakePackageConfigHelpers)
set(norma_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/norma)

install(TARGETS norma EXPORT norma-targets)
install(EXPORT norma-targets NAMESPACE norma:: DESTINATION ${norma_package_dir})

# The numeric kernels are for Norma's own sources.
install(FILES norma.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/norma)
install(DIRECTORY core autograd layers optim io data
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/norma
  FILES_MATCHING PATTERN "*.h" PATTERN "kernels" EXCLUDE)

get_target_property(norma_library_type norma TYPE)
configure_package_config_file(cmake/norma-config.cmake.in norma-config.cmake
  INSTALL_DESTINATION ${norma_package_dir}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(norma-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/norma-config.cmake
  ${PROJECT_BINARY_DIR}/norma-config-version.cmake
  cmake/norma-openblas.cmake
  DESTINATION ${norma_package_dir})
